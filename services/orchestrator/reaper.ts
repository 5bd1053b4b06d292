import type { Masking } from '../history/masking.ts';
import type { Log } from '../host/logger.ts';
import type { Drain } from '../runners/drain.ts';
import type { Admission } from '../start/admission.ts';
import type { Store } from '../store/store.ts';

/** Ends what an ended run left behind. */
export type Reap = (runId: string) => void;

/** A run that ended without its chart has nobody to drain it; its lock waits for this. */
export const createReaper = (deps: {
  store: Pick<Store, 'run'>;
  drain: Drain;
  admission: Pick<Admission, 'settle'>;
  masking: Pick<Masking, 'soon'>;
  wake: () => void;
  log: Log;
}): Reap => {
  const { store, drain, admission, masking, wake, log } = deps;
  const reap = async (runId: string): Promise<void> => {
    const found = await store.run(runId);
    if (found) await drain(found.run);
    // Its lock is free now, and that is an event.
    wake();
    masking.soon();
    if (found) await admission.settle(found.run.definition.concurrency.key);
  };
  return (runId) =>
    void reap(runId).catch((error) =>
      log('processes of an ended run could not be ended', { run_id: runId, error: String(error) }),
    );
};
