import type { Clock } from '../host/clock.ts';
import type { Disk } from '../host/disk.ts';
import { limitsRestarted } from '../store/amendments.ts';
import type { Committed, EffectRow, TimerRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Waits } from './waits.ts';

/**
 * While the disk is full nothing begins that would write: what was born waits, a backoff is not
 * delivered, and limits count from where the work begins.
 */
export type Room = {
  /**
   * Resolves when the effect may begin, its limits at their full time again. @throws when the
   * signal aborts
   */
  enter(effect: EffectRow, signal: AbortSignal): Promise<void>;
  isWaiting(effect: EffectRow): boolean;
  /** Whether a timer that is due stays undelivered for now. */
  holds(timer: TimerRow): boolean;
  /** The backoffs that are due and held, all of them: their runs say so. */
  show(held: readonly TimerRow[]): void;
};

const againMs = 1000;

/** By what an effect and the limits on it, or a backoff alone, are found. */
const keyOf = (runId: string, stamp: number, stage: string | null | undefined): string =>
  `${runId} ${stamp} ${stage ?? ''}`;
const effectOf = ({ runId, stamp, input }: EffectRow): string => keyOf(runId, stamp, input.stage);
export const createRoom = (deps: {
  disk: Pick<Disk, 'refusal' | 'onRoom' | 'state'>;
  store: Pick<Store, 'amend'>;
  clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'wallMs'>;
  waits: Pick<Waits, 'begin'>;
  lifecycle: Pick<Lifecycle, 'effects' | 'timers'>;
  /** What has to be recorded before anything of the run begins. */
  before: (runId: string) => Promise<void>;
}): Room & { settle(committed: Committed): void } => {
  const { disk, store, clock, waits, lifecycle } = deps;
  const { backoffOf } = lifecycle.timers;
  const { beginningOf, writes } = lifecycle.effects;
  const limitsOf = ({ runId, stamp, id }: Pick<TimerRow, 'runId' | 'stamp' | 'id'>): string =>
    keyOf(runId, stamp, lifecycle.timers.stageOf(id));
  const held = new Set<string>();
  const backoffs = new Map<string, { runId: string; end: () => void }>();

  const room = (signal: AbortSignal): Promise<void> => {
    const there = Promise.withResolvers<void>();
    const off = disk.onRoom(there.resolve);
    const abort = (): void => there.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    if (!disk.state().isFull) there.resolve();
    return there.promise.finally(() => {
      off();
      signal.removeEventListener('abort', abort);
    });
  };

  const wait = async (effect: EffectRow, signal: AbortSignal): Promise<void> => {
    const key = effectOf(effect);
    held.add(key);
    const over = waits.begin(
      effect.runId,
      'begin',
      `waits for room on the disk before ${beginningOf(effect)}`,
    );
    try {
      for (;;) {
        await room(signal);
        if ((await disk.refusal()) !== null) continue;
        try {
          await deps.before(effect.runId);
          const change = limitsRestarted(effect, clock.monotonicMs());
          await store.amend([{ runId: effect.runId, change }], clock.wallMs());
          return;
        } catch {
          // It was no room after all, or the store says itself what troubles it.
          await clock.sleep(againMs, signal);
        }
      }
    } finally {
      held.delete(key);
      over();
    }
  };

  return {
    enter: async (effect, signal) => {
      // Files are checked and processes ended on a full disk, too.
      if (!writes(effect.kind)) return;
      // Known at once: its deadline may be due before another look is over.
      if (disk.state().isFull || (await disk.refusal()) !== null) await wait(effect, signal);
      signal.throwIfAborted();
    },
    isWaiting: (effect) => held.has(effectOf(effect)),
    holds: (timer) =>
      backoffOf(timer.id) !== null
        ? disk.state().isFull
        : timer.clock === 'monotonic' && held.has(limitsOf(timer)),
    show: (timers) => {
      const now = new Map(
        timers.filter(({ id }) => backoffOf(id) !== null).map((one) => [limitsOf(one), one]),
      );
      for (const [key, { end }] of backoffs) {
        if (now.has(key)) continue;
        backoffs.delete(key);
        end();
      }
      for (const [key, { runId, id }] of now) {
        if (backoffs.has(key)) continue;
        const why = `waits for room on the disk before ${backoffOf(id)} is tried again`;
        backoffs.set(key, { runId, end: waits.begin(runId, 'begin', why) });
      }
    },
    settle: ({ run, decision }) => {
      for (const fence of decision.disarm) {
        const key = limitsOf({ runId: run.runId, ...fence });
        backoffs.get(key)?.end();
        backoffs.delete(key);
      }
    },
  };
};
