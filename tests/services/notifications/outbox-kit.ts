import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NotifyRule } from '../../../definition/notify.ts';
import { notifySettingsOf, readConfig } from '../../../services/host/config.ts';
import { createNotifications } from '../../../services/notifications/notifications.ts';
import type { LoadedPipelines } from '../../../services/pipelines/pipelines.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import type { Store } from '../../../services/store/store.ts';
import { pipeline, stage } from '../../support/definition.ts';
import { leftOpen } from '../../support/left-open.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

/** Settings as a file of them says it. */
export const settingsOf = (file: object) =>
  notifySettingsOf(readConfig(['--config', 'f'], {}, () => JSON.stringify(file)));

/** The outbox on a real store, with a clock that a test moves and events that it writes. */
export const outbox = async (
  file: object,
  more: {
    files?: Record<string, string>;
    timezone?: string;
    notify?: NotifyRule[];
    dir?: string;
    wrap?: (store: Store) => Store;
  } = {},
) => {
  const dir = more.dir ?? (await mkdtemp(join(tmpdir(), 'stagewright-told-')));
  const clock = manualClock();
  const store = openSqliteStore({ path: join(dir, 'store'), synchronous: 'NORMAL', clock });
  const definition = {
    ...pipeline([stage('one')]),
    name: 'p',
    timezone: more.timezone ?? 'UTC',
    ...(more.notify && { notify: more.notify }),
  };
  const loaded: LoadedPipelines = {
    pipelines: new Map([
      [
        'p',
        {
          definition,
          file: 'p.yaml',
          projectDir: dir,
          schedules: [],
          text: { line: () => null, has: () => false },
        },
      ],
    ]),
    problems: [],
  };
  const well = new Set<string>();
  const notifications = createNotifications({
    store: more.wrap?.(store) ?? store,
    clock,
    log: () => {},
    loaded,
    source: { settings: settingsOf(file), reread: () => settingsOf(file) },
    url: () => 'http://127.0.0.1:8000',
    readFile: (path) => {
      const found = more.files?.[path];
      if (found === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
      return found;
    },
    maskOf: () => [],
    env: { PATH: process.env.PATH ?? '' },
    isWell: (check) => well.has(check),
    sayWell: (check) => health(check, null),
  });
  const note = (event: Parameters<typeof store.note>[0]) => store.note(event, clock.wallMs());
  const health = (check: string, code: string | null) =>
    note({
      runId: null,
      pipeline: null,
      stage: 'system',
      event: code === null ? 'recovered' : 'warning',
      severity: code === null ? 'info' : 'warning',
      msg: `${check}: ${code ?? 'is well'}`,
      data: { check, code },
    });
  const close = async (): Promise<void> => {
    if (!leftOpen.delete(close)) return;
    await notifications.close();
    await store.close();
    if (!more.dir) await rm(dir, { recursive: true, force: true });
  };
  leftOpen.add(close);
  const rows = async () => (await store.messages({ limit: 1000 })).items.reverse();
  return {
    dir,
    store,
    clock,
    notifications,
    health,
    well,
    rows,
    close,
    missed: (pipelineName = 'p') =>
      note({
        runId: null,
        pipeline: pipelineName,
        stage: 'scheduler',
        event: 'missed',
        severity: 'warning',
        msg: `schedule nightly missed 1 slot`,
        data: {
          schedule: 'nightly',
          from: '2027-01-15T03:00:00.000Z',
          to: '2027-01-15T03:00:00.000Z',
        },
      }),
    /** Time passes, and what is due by then is tried. */
    pass: async (ms: number): Promise<void> => {
      clock.advance(ms);
      await notifications.tick();
    },
    states: async () => (await rows()).map(({ state }) => state),
    settled: (count: number) =>
      until(async () => {
        const all = await rows();
        return all.filter(({ attempts }) => attempts >= count).length === all.length && all;
      }),
  };
};
export type Outbox = Awaited<ReturnType<typeof outbox>>;
export const hook = (url: string, more: object = {}): Record<string, unknown> => ({
  digest: '0s',
  webhook: { url, allow_private: true, ...more },
});
