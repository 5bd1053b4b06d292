import type { Archive } from '../history/archive.ts';
import type { Retention } from '../history/retention.ts';
import type { UnknownFolders } from '../history/unknown-folders.ts';
import type { Disk } from '../host/disk.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Alarms } from '../watchdog/alarms.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import type { EventLoop } from './event-loop.ts';
import type { Health } from './health.ts';
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
  eventLoop: Pick<EventLoop, 'look'>;
  watchdog: Pick<Watchdog, 'last'>;
  alarms: Pick<Alarms, 'open'>;
  intervalMs: number;
};

/**
 * S60: an answer within 200 ms at p99. It is well again at half of that, so that one busy minute is
 * one event.
 */
const lagLimitMs = 200;
/** Rounds that may be missed before the watchdog itself is what is wrong. */
const missedRounds = 3;

/** What the parts of the service say of themselves. */
export const registerChecks = (
  health: Health,
  parts: Parts,
): { measure(): void; lag(): { p99Ms: number; maxMs: number } } => {
  const {
    loaded,
    effects,
    trouble,
    launcher,
    retention,
    archive,
    unknownFolders,
    disk,
    eventLoop,
    watchdog,
    alarms,
    intervalMs,
  } = parts;

  health.register('store', () => {
    const found = trouble();
    if (found) return { ok: false, code: 'store-unavailable', detail: found };
    const pending = effects.pendingAnswers();
    if (pending === 0) return { ok: true, detail: 'every answer is committed' };
    return {
      ok: false,
      code: 'answers-waiting',
      detail: `${pending} ${pending === 1 ? 'answer waits' : 'answers wait'} to be committed`,
    };
  });
  health.register('pipelines', () => {
    const { problems, pipelines } = loaded;
    if (problems.length > 0)
      return {
        ok: false,
        code: 'bad-file',
        detail: problems.map(({ file, detail }) => `${file}: ${detail}`).join('; '),
      };
    if (pipelines.size === 0)
      return { ok: false, code: 'no-pipelines', detail: 'no pipeline is loaded' };
    return { ok: true, detail: `${pipelines.size} loaded` };
  });
  health.register('launcher', () => launcher.check());
  health.register('retention', () => {
    const { removed, error } = retention.last();
    if (error !== null) return { ok: false, code: 'retention-failed', detail: error };
    const waiting = retention.waiting();
    if (waiting > 0)
      return {
        ok: false,
        code: 'archive-behind',
        detail: `${waiting} ${waiting === 1 ? 'run stays' : 'runs stay'} beyond the limits because the archive does not hold ${waiting === 1 ? 'its' : 'their'} events yet`,
      };
    return { ok: true, detail: `removed ${removed} runs last time` };
  });
  health.register('archive', () => {
    const error = archive.error();
    return error === null
      ? { ok: true, detail: 'is written' }
      : {
          ok: false,
          code: 'archive-not-written',
          detail: `${error}; nothing is lost: it catches up when that is mended, and no run is removed before`,
        };
  });
  health.register('unknown-folders', () => {
    const { count, detail } = unknownFolders.state();
    return count === 0 ? { ok: true, detail } : { ok: false, code: 'unknown-folders', detail };
  });
  health.register('disk', () => {
    const { isFull, detail } = disk.state();
    return isFull ? { ok: false, code: 'disk-full', detail } : { ok: true, detail };
  });

  let lag = { p99Ms: 0, maxMs: 0 };
  let isSlow = false;
  health.register('event_loop', () => {
    const detail = `${lag.p99Ms} ms late at p99, at most ${lag.maxMs} ms, between the last two looks`;
    return isSlow ? { ok: false, code: 'event-loop-lag', detail } : { ok: true, detail };
  });

  health.register('watchdog', () => {
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
  });

  return {
    /** Asked once a round: each measure covers the time since the last one. */
    measure: () => {
      lag = eventLoop.look();
      isSlow = lag.p99Ms >= (isSlow ? lagLimitMs / 2 : lagLimitMs);
    },
    lag: () => lag,
  };
};
