import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { plainError } from '../host/plain-error.ts';
import type { Alarms } from './alarms.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { WatchdogLook } from './looks.ts';

/** After a look that failed. */
const againMs = 2000;
/** A waker that is later than this was away, and what came meanwhile is heard first. */
const awayMs = 1000;

export type Watchdog = {
  /** Looks at everything once; also called by its own timer. */
  tick(): Promise<void>;
  start(): void;
  /** When it last finished a round, and what kept it from one. */
  last(): { agoMs: number; error: string | null };
  close(): Promise<void>;
};

/**
 * Looks for what nobody tells, every `intervalMs` and at the deadlines in between. It raises alarms
 * and delivers events; it writes no state.
 */
export const createWatchdog = (deps: {
  clock: Pick<Clock, 'monotonicMs' | 'after'>;
  intervalMs: number;
  looks: Record<string, WatchdogLook>;
  /** The looks that have deadlines of their own, when the next one is, and when another is set. */
  urgent: { codes: readonly string[] } & Pick<Heartbeats, 'nextDueIn' | 'onLimit'>;
  alarms: Pick<Alarms, 'settle'>;
  /** What else is done every round: admission to free places, the health of the service. */
  rounds: Record<string, () => Promise<void>>;
  log: Log;
}): Watchdog => {
  const { clock, intervalMs, looks, urgent, alarms, rounds, log } = deps;
  let roundAtMs = clock.monotonicMs() + intervalMs;
  let finishedMs = clock.monotonicMs();
  let error: string | null = null;
  let wakeAtMs = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | null = null;
  let isStarted = false;
  let isBack = true;
  let turns: Promise<void> = Promise.resolve();

  /** One that fails does not keep the others from being asked. @returns what went wrong */
  const tried = async (what: string, work: () => Promise<void>): Promise<string | null> => {
    try {
      await work();
      return null;
    } catch (problem) {
      log('a look of the watchdog failed; it looks again', { look: what, error: String(problem) });
      return `${what}: ${plainError(problem)}`;
    }
  };

  const turn = async (isRound: boolean): Promise<boolean> => {
    const problems: (string | null)[] = [];
    for (const [code, look] of Object.entries(looks))
      if (isRound || urgent.codes.includes(code))
        problems.push(await tried(code, async () => alarms.settle(code, await look())));
    if (isRound)
      for (const [name, work] of Object.entries(rounds)) problems.push(await tried(name, work));
    const [problem = null] = problems.filter((one) => one !== null);
    if (isRound) {
      error = problem;
      finishedMs = clock.monotonicMs();
      roundAtMs = finishedMs + (problem === null ? intervalMs : Math.min(intervalMs, againMs));
    }
    return problem === null;
  };

  /** One after the other: two looks at once would raise one alarm twice. */
  const inTurn = (isRound: boolean): Promise<void> => {
    turns = turns.then(() => turn(isRound)).then((isFine) => plan(isFine ? intervalMs : againMs));
    return turns;
  };

  /** A deadline that cannot wait for the next round: it wakes for it. */
  const wakeIn = (ms: number): void => {
    const waitMs = Math.min(Math.max(ms, 0), intervalMs);
    const at = clock.monotonicMs() + waitMs;
    if (!isStarted || at >= wakeAtMs) return;
    cancel?.();
    wakeAtMs = at;
    cancel = clock.after(waitMs, () => {
      wakeAtMs = Number.POSITIVE_INFINITY;
      // Once only: on a machine that is always late it looks all the same.
      isBack = !isBack || clock.monotonicMs() - at <= awayMs;
      if (isBack) void inTurn(clock.monotonicMs() >= roundAtMs);
      else wakeIn(awayMs);
    });
  };
  const plan = (atMostMs: number): void =>
    wakeIn(Math.min(roundAtMs - clock.monotonicMs(), urgent.nextDueIn() ?? intervalMs, atMostMs));

  urgent.onLimit(wakeIn);

  return {
    tick: () => inTurn(true),
    start: () => {
      isStarted = true;
      roundAtMs = clock.monotonicMs() + intervalMs;
      plan(intervalMs);
    },
    last: () => ({ agoMs: clock.monotonicMs() - finishedMs, error }),
    close: async () => {
      isStarted = false;
      cancel?.();
      await turns;
    },
  };
};
