import type { Archive } from '../history/archive.ts';
import type { Retention } from '../history/retention.ts';
import type { UnknownFolders } from '../history/unknown-folders.ts';
import type { Disk } from '../host/disk.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Alarms } from '../watchdog/alarms.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import type { Health, HealthVerdict } from './health.ts';
import type { Lag } from './lag.ts';
import type { LauncherWatch } from './launcher-watch.ts';

type Parts = {
  loaded: LoadedPipelines;
  effects: Pick<Effects, 'pendingAnswers'>;
  trouble: () => string | null;
  launcher: Pick<LauncherWatch, 'check'>;
  retention: Pick<Retention, 'last' | 'waiting'>;
  archive: Pick<Archive, 'error'>;
  unknownFolders: Pick<UnknownFolders, 'state'>;
  disk: Pick<Disk, 'state'>;
  lag: Pick<Lag, 'check'>;
  watchdog: Pick<Watchdog, 'last'>;
  alarms: Pick<Alarms, 'open'>;
  intervalMs: number;
};

/** Rounds that may be missed before the watchdog itself is what is wrong. */
const missedRounds = 3;

const storeCheck = ({ trouble, effects }: Parts): HealthVerdict => {
  const found = trouble();
  if (found) return { ok: false, code: 'store-unavailable', detail: found };
  const pending = effects.pendingAnswers();
  if (pending === 0) return { ok: true, detail: 'every answer is committed' };
  return {
    ok: false,
    code: 'answers-waiting',
    detail: `${pending} ${pending === 1 ? 'answer waits' : 'answers wait'} to be committed`,
  };
};

const pipelinesCheck = ({ loaded: { problems, pipelines } }: Parts): HealthVerdict => {
  if (problems.length > 0)
    return {
      ok: false,
      code: 'bad-file',
      detail: problems.map(({ file, detail }) => `${file}: ${detail}`).join('; '),
    };
  if (pipelines.size === 0)
    return { ok: false, code: 'no-pipelines', detail: 'no pipeline is loaded' };
  return { ok: true, detail: `${pipelines.size} loaded` };
};

const retentionCheck = ({ retention }: Parts): HealthVerdict => {
  const { removed, error } = retention.last();
  if (error !== null) return { ok: false, code: 'retention-failed', detail: error };
  const waiting = retention.waiting();
  if (waiting > 0)
    return {
      ok: false,
      code: 'archive-behind',
      detail: `${waiting} ${waiting === 1 ? 'run stays' : 'runs stay'} beyond the limits because ${waiting === 1 ? 'its' : 'their'} events are not archived yet`,
    };
  return { ok: true, detail: `removed ${removed} runs last time` };
};

const archiveCheck = ({ archive }: Parts): HealthVerdict => {
  const error = archive.error();
  return error === null
    ? { ok: true, detail: 'is up to date' }
    : {
        ok: false,
        code: 'archive-not-written',
        detail: `${error}; nothing is lost: the archive catches up once this is fixed, and no run is removed until then`,
      };
};

const foldersCheck = ({ unknownFolders }: Parts): HealthVerdict => {
  const { count, detail } = unknownFolders.state();
  return count === 0 ? { ok: true, detail } : { ok: false, code: 'unknown-folders', detail };
};

const diskCheck = ({ disk }: Parts): HealthVerdict => {
  const { isFull, detail } = disk.state();
  return isFull ? { ok: false, code: 'disk-full', detail } : { ok: true, detail };
};

const watchdogCheck = ({ watchdog, alarms, intervalMs }: Parts): HealthVerdict => {
  const { agoMs, error } = watchdog.last();
  const seconds = Math.round(agoMs / 1000);
  if (error !== null) return { ok: false, code: 'look-failed', detail: error };
  if (agoMs > missedRounds * intervalMs)
    return { ok: false, code: 'not-looking', detail: `has not looked for ${seconds} s` };
  const open = alarms.open();
  const [worst] = open.filter(({ severity }) => severity === 'error');
  if (worst) return { ok: false, code: worst.code, detail: worst.msg };
  return {
    ok: true,
    detail: `looked ${seconds} s ago; ${open.length === 0 ? 'no alarm' : `${open.length} being dealt with`}`,
  };
};

/** In the order in which health shows them. */
const checks: Record<string, (parts: Parts) => HealthVerdict> = {
  store: storeCheck,
  pipelines: pipelinesCheck,
  launcher: ({ launcher }) => launcher.check(),
  retention: retentionCheck,
  archive: archiveCheck,
  'unknown-folders': foldersCheck,
  disk: diskCheck,
  event_loop: ({ lag }) => lag.check(),
  watchdog: watchdogCheck,
};

/** What the parts of the service say of themselves. */
export const registerChecks = (health: Pick<Health, 'register'>, parts: Parts): void => {
  for (const [name, check] of Object.entries(checks)) health.register(name, () => check(parts));
};
