import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, RunRow, Store } from '../store/store.ts';

/** A fork takes milliseconds; from here on it is news that the program is not there. */
const tellAfterMs = 5000;

/**
 * While the program of an attempt is long in coming, `why` says that it is being started and not
 * that it works. @returns what to call once it is there, or will never be
 */
export const createStartMarks =
  (deps: {
    store: Pick<Store, 'changeWhy'>;
    clock: Pick<Clock, 'after'>;
    wake: () => void;
    log: Log;
  }) =>
  (effect: EffectRow): (() => void) => {
    const { runId, input, attempt } = effect;
    const change = async (next: (why: string, run: RunRow) => string | null): Promise<void> => {
      try {
        if (await deps.store.changeWhy(runId, fenceOf(effect), next)) deps.wake();
      } catch (error) {
        deps.log('a slow start could not be told', { run_id: runId, error: String(error) });
      }
    };
    let said: { before: string; why: string } | null = null;
    let telling = Promise.resolve();
    const cancel = deps.clock.after(tellAfterMs, () => {
      telling = change((before, { projection }) => {
        const why = `${input.stage} is being started, attempt ${attempt} of ${projection.max_attempts ?? attempt}; its program is not there yet`;
        said = { before, why };
        return why;
      });
    });
    return () => {
      cancel();
      void telling.then(() => {
        // What the run has said since then is newer.
        if (said) return change((now) => (now === said?.why ? said.before : null));
      });
    };
  };
