import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { whyChanged } from '../store/amendments.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';

/** A fork takes milliseconds; from here on it is news that the program is not there. */
const tellAfterMs = 5000;

/**
 * While the program of an attempt is long in coming, `why` says that it is being started and not
 * that it works. @returns what to call once it is there, or will never be
 */
export const createStartMarks =
  (deps: {
    store: Pick<Store, 'amend'>;
    clock: Pick<Clock, 'after' | 'wallMs'>;
    wake: () => void;
    log: Log;
  }) =>
  (effect: EffectRow): (() => void) => {
    const { runId, input, attempt } = effect;
    const change = async (next: (why: string, run: RunRow) => string | null): Promise<void> => {
      try {
        const plan = { runId, change: whyChanged(fenceOf(effect), next) };
        const [isChanged] = await deps.store.amend([plan], deps.clock.wallMs());
        if (isChanged) deps.wake();
      } catch (error) {
        deps.log('a slow start could not be told', { run_id: runId, error: String(error) });
      }
    };
    let back: ((why: string) => string | null) | null = null;
    let telling = Promise.resolve();
    const cancel = deps.clock.after(tellAfterMs, () => {
      telling = change((before, { projection }) => {
        const of = projection.stages.find(({ name }) => name === input.stage);
        const mine = `${input.stage} is being started, attempt ${attempt} of ${of?.max_attempts ?? attempt}; its program is not there yet`;
        // Beside others it is said after what they wait for, and taken back without them.
        if (of?.group === undefined) {
          back = (now) => (now === mine ? before : null);
          return mine;
        }
        const more = `; ${mine}`;
        back = (now) => (now.includes(more) ? now.replace(more, '') : null);
        return `${before}${more}`;
      });
    });
    return () => {
      cancel();
      void telling.then(() => {
        // What the run has said since then is newer.
        if (back) return change(back);
      });
    };
  };
