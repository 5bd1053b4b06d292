import { type AnyActorRef, createActor, fromPromise } from 'xstate';
import { Failed } from '../../stages/attempt-failed.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Clock } from '../host/clock.ts';
import { isNoSpace } from '../host/no-space.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectKind, EffectRow, RunRow } from '../store/run-rows.ts';
import type { Interpreter } from './interpreter.ts';
import type { Room } from './room.ts';
import { type Waits, whatFor } from './waits.ts';

/**
 * What an effect does. Resolves with the answer's output; throws a `Failed` to answer with a
 * failure.
 */
export type EffectRunner = (
  effect: EffectRow,
  run: RunRow,
  signal: AbortSignal,
) => Promise<unknown>;

/**
 * The disk was full before anything of the effect had begun: it begins when there is room, and no
 * attempt is used up.
 */
export class NoRoom extends Error {}

export type Effects = {
  start(effect: EffectRow, run: RunRow): void;
  /**
   * Gives an answer that was found, not awaited: evidence on disk, or the news that nobody is left
   * to give one.
   */
  answer(effect: EffectRow, result: { output: unknown } | { error: Failure }): Promise<void>;
  /**
   * Whether it waits for room on the disk, somebody here works on it, or holds its answer until that
   * is committed; null = nobody here knows it.
   */
  phaseOf(effect: EffectRow): 'waiting' | 'working' | 'answering' | null;
  /** Answers that wait for the store to take them: above 0 is a reason to be degraded (T4). */
  pendingAnswers(): number;
  /** From now on only what ends others starts; what is born stays a row that the next start finds. */
  hold(): void;
  /**
   * Starts nothing more and forgets the answers to come; the rows stay and the next start settles
   * them.
   */
  close(): void;
};

const retryWaitsMs = [50, 100, 200, 500, 1000, 2000, 5000];
const waitMs = (tries: number): number =>
  retryWaitsMs[Math.min(tries, retryWaitsMs.length - 1)] as number;

const keyOf = ({ runId, id, stamp }: EffectRow) => `${runId} ${id} ${stamp}`;
const whyWaiting = (record: string, error: unknown): string =>
  `waits for ${whatFor(error)} to record ${record}`;

/**
 * Effects become XState promise actors, started after the commit that bore them and answered until
 * the answer is committed.
 */
export const createEffects = (deps: {
  runners: Record<EffectKind, EffectRunner>;
  interpreter: Interpreter;
  clock: Clock;
  /** Absent where there is always room. */
  room?: Pick<Room, 'enter' | 'isWaiting'>;
  waits?: Pick<Waits, 'begin'>;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Effects => {
  const { runners, interpreter, clock, room, waits, log } = deps;
  const { isTriedUntilDone, recordOf } = interpreter.lifecycle.effects;
  const running = new Map<string, AnyActorRef>();
  const answering = new Set<{ key: string }>();
  let closed = false;
  let held = false;

  const answer: Effects['answer'] = async (effect, result) => {
    const event =
      'output' in result
        ? {
            type: `xstate.done.actor.${effect.id}` as const,
            output: result.output,
            actorId: effect.id,
          }
        : {
            type: `xstate.error.actor.${effect.id}` as const,
            error: result.error,
            actorId: effect.id,
          };
    const waiting = { key: keyOf(effect) };
    answering.add(waiting);
    let over: (() => void) | null = null;
    for (let tries = 0; !closed; tries += 1) {
      try {
        await interpreter.deliver(effect.runId, {
          event,
          fence: fenceOf(effect),
          cause: { kind: 'effect' },
        });
        break;
      } catch (error) {
        log('an answer could not be committed; it is tried again', {
          run_id: effect.runId,
          effect: effect.id,
          error: String(error),
        });
        // Its row still says that it works.
        over ??= waits?.begin(effect.runId, 'answer', whyWaiting(recordOf(effect), error)) ?? null;
        await clock.sleep(waitMs(tries));
      }
    }
    over?.();
    answering.delete(waiting);
  };

  /** From the row to the answer. What has no failure to answer with goes on until it holds. */
  const work = async (effect: EffectRow, run: RunRow, signal: AbortSignal): Promise<unknown> => {
    let over: (() => void) | null = null;
    try {
      for (let tries = 0; ; tries += 1) {
        await room?.enter(effect, signal);
        try {
          return await runners[effect.kind](effect, run, signal);
        } catch (error) {
          const isAgain = isTriedUntilDone(effect.kind) || error instanceof NoRoom;
          if (signal.aborted || !isAgain) throw error;
          log('an effect could not be carried out; it is tried again', {
            run_id: effect.runId,
            effect: effect.id,
            error: String(error),
          });
          if (isNoSpace(error))
            over ??=
              waits?.begin(effect.runId, 'answer', whyWaiting(recordOf(effect), error)) ?? null;
          await clock.sleep(waitMs(tries), signal);
        }
      }
    } finally {
      over?.();
    }
  };

  const start = (effect: EffectRow, run: RunRow): void => {
    const key = keyOf(effect);
    if (closed || (held && !isTriedUntilDone(effect.kind)) || running.has(key)) return;
    const logic = fromPromise(async ({ signal }) => {
      try {
        return await work(effect, run, signal);
      } finally {
        running.delete(key);
      }
    });
    const actor = createActor(logic);
    running.set(key, actor);
    actor.subscribe({
      next: (snapshot) =>
        snapshot.status === 'done' && void answer(effect, { output: snapshot.output }),
      error: (error: unknown) => void answer(effect, { error: failureOf(error) }),
    });
    actor.start();
  };

  interpreter.onCommit(({ run, decision }) => {
    // Drops before births: a re-entered state does both, with the same id (T9).
    for (const fence of [...decision.remove, ...decision.drop])
      running.get(`${run.runId} ${fence.id} ${fence.stamp}`)?.stop();
    for (const effect of decision.born) start(effect, run);
  });

  return {
    start,
    answer,
    phaseOf: (effect) => {
      const key = keyOf(effect);
      if ([...answering].some((one) => one.key === key)) return 'answering';
      if (!running.has(key)) return null;
      return room?.isWaiting(effect) ? 'waiting' : 'working';
    },
    pendingAnswers: () => answering.size,
    hold: () => {
      held = true;
    },
    close: () => {
      closed = true;
      for (const actor of running.values()) actor.stop();
    },
  };
};

/** Errors become plain data before they enter the machine (T3). */
const failureOf = (error: unknown): Failure =>
  error instanceof Failed
    ? error.failure
    : {
        code: 'internal',
        message: `the service failed: ${(error as { message?: unknown } | null)?.message ?? String(error)}`,
        retryable: true,
      };
