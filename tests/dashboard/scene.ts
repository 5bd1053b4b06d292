import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../services/host/clock.ts';
import type { Status } from '../../wire/status.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, projectWith, startRequest } from '../support/service.ts';

/**
 * A wall clock that can be set back and run fast, so that real runs leave a history that took days.
 */
const stageClock = () => {
  let base = Date.now();
  let real = Date.now();
  let speed = 1;
  const clock: Clock = {
    ...systemClock,
    wallMs: () => Math.round(base + (Date.now() - real) * speed),
    after: (ms, callback) => systemClock.after(ms / speed, callback),
  };
  return {
    clock,
    set: (wallMs: number, factor: number): void => {
      [base, real, speed] = [wallMs, Date.now(), factor];
    },
    now: (): void => {
      [base, real, speed] = [Date.now(), Date.now(), 1];
    },
  };
};

/**
 * A stage that does what the file `ctl/<stage>` says: seconds to work, then the exit code; `hold`
 * works until it is ended.
 */
const stage = (name: string, retry: string): string => `  - name: ${name}
    run:
      - sh
      - -c
      - |
        read -r seconds code failing < ctl/${name} || true
        echo "reading the manifest of the last run"
        echo "12 files are new, 3 changed"
        [ "$STAGEWRIGHT_ATTEMPT" -le $((failing)) ] && { echo "IOError: disk quota exceeded while writing part-0007.parquet" >&2; exit 7; }
        if [ "$seconds" = hold ]; then
          echo '::stagewright {"progress":{"done":62,"total":100,"unit":"files"}}'
          sleep 600
        fi
        sleep "$seconds"
        [ "$code" = 0 ] || { echo "ValueError: AAPL 2024-03-08: high 171.2 is below low 172.9" >&2; exit "$code"; }
        echo '::stagewright {"metric":{"rows":6365}}'
        echo "done"
    timeout: 1h
    retry: ${retry}
`;
const pipeline = (
  name: string,
  title: string,
  params: string,
  stages: [string, string][],
): string =>
  `name: ${name}\ntitle: ${title}\n${params}stages:\n${stages.map(([one, retry]) => stage(one, retry)).join('')}`;
const once = '{ limit: 1, backoff: { initial: 45s, jitter: 0 } }';
const none = '{ limit: 0 }';
const fast = '{ limit: 2, backoff: { initial: 5ms, jitter: 0 } }';

const params = `params:
  instruments: { type: array, items: { type: string }, default: [], title: Instruments, description: Names of folders; empty means all. }
  day: { type: string, format: date, default: "2026-11-24", title: Trading day }
  mode: { type: string, enum: [incremental, full], default: incremental, title: Mode }
  window: { type: integer, default: 20, title: Window, description: Days of the rolling figures. }
  strict: { type: boolean, default: true, title: Refuse suspicious prices }
`;
export const stagePipelines: Record<string, string> = {
  'market-data.yaml': pipeline('market-data', 'Market data', params, [
    ['translator', fast],
    ['analyzer', fast],
    ['merger', fast],
  ]),
  'nightly-report.yaml': pipeline('nightly-report', 'Nightly report', '', [
    ['extract', none],
    ['render', once],
    ['publish', none],
  ]),
  'search-index.yaml': pipeline('search-index', 'Search index', '', [
    ['snapshot', none],
    ['build', none],
    ['verify', none],
    ['swap', none],
  ]),
};
const stagesOf: Record<string, string[]> = {
  'market-data': ['translator', 'analyzer', 'merger'],
  'nightly-report': ['extract', 'render', 'publish'],
  'search-index': ['snapshot', 'build', 'verify', 'swap'],
};

/** What a stage does next time: `[seconds or hold, exit code, attempts that fail]`. */
type Does = [number | 'hold', number, number?];
export type Scene = Served & {
  setStage(stage: string, does: Does): Promise<void>;
  begin(pipeline: string, params?: Record<string, unknown>): Promise<Status>;
  /** Made when the past is over: a clock that jumps would miss its slots. */
  schedule(id: string, pipeline: string, cron: string): Promise<void>;
  past(options: { days: number; runs: number }): Promise<void>;
  reach(runId: string, state: string): Promise<Status>;
};

/** The same figures each time: a picture must not change because of chance. */
const random = (seed: number) => (): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};

export const openScene = async (
  pipelines: Record<string, string> = stagePipelines,
): Promise<Scene> => {
  const dir = await projectWith(pipelines);
  await mkdir(join(dir, 'ctl'));
  const time = stageClock();
  const served = await serveHttp({
    dir,
    parts: () => ({ clock: time.clock }),
    defaultPipeline: 'market-data',
  });
  const { orchestrator } = served;
  const setStage: Scene['setStage'] = (name, does) =>
    writeFile(join(dir, 'ctl', name), `${does.join(' ')}\n`);
  for (const name of Object.values(stagesOf).flat()) await setStage(name, [0, 0]);
  const begin: Scene['begin'] = async (name, given = {}) => {
    const { status } = await orchestrator.start(
      startRequest(name, { params: given, trigger: 'manual' }),
    );
    return status;
  };
  return {
    ...served,
    setStage,
    begin,
    reach: (runId, state) =>
      eventually(orchestrator, async () => {
        const status = await orchestrator.run(runId);
        return status.state === state && status;
      }),
    schedule: async (id, name, cron) => {
      const body = JSON.stringify({ id, pipeline: name, cron, timezone: 'America/Chicago' });
      const { status, text } = await served.ask('POST', '/api/schedules', { body });
      if (status !== 201) throw new Error(text);
    },
    past: async ({ days, runs }) => {
      const chance = random(7);
      const now = Date.now();
      for (let index = 0; index < runs; index += 1)
        for (const [offset, name] of Object.keys(stagesOf).entries()) {
          const at = now - days * 86_400_000 * (1 - (index + offset * 0.13) / runs) - 3_600_000;
          const bad = chance() < (name === 'market-data' ? 0.1 : 0.04);
          const names = stagesOf[name] as string[];
          for (const one of names)
            await setStage(one, [Number((0.01 + chance() * 0.05).toFixed(3)), 0]);
          if (bad) await setStage(names[1] as string, [0.02, 1, 0]);
          if (chance() < 0.12) await setStage(names[1] as string, [0.02, 0, 1]);
          time.set(at, 600);
          const { run_id } = await begin(name);
          await ended(orchestrator, run_id as string);
        }
      time.now();
      for (const one of Object.values(stagesOf).flat()) await setStage(one, [0, 0]);
    },
  };
};
