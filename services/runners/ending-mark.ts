import type { Ending } from '../../stages/contract.ts';
import type { Launcher } from '../../stages/launcher-port.ts';
import type { Log } from '../host/logger.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, Store } from '../store/store.ts';

/**
 * Writes down that an attempt was sent SIGTERM and by when it is over: the launcher goes on with
 * that should this service die, and the next service does.
 */
export const createEndingMark =
  (deps: { store: Pick<Store, 'recordEnding'>; launcher: Pick<Launcher, 'ending'>; log: Log }) =>
  (effect: EffectRow, ending: Ending): void => {
    // First, and at once: the commit may take a while.
    deps.launcher.ending(effect.token, ending);
    deps.store.recordEnding(effect.runId, fenceOf(effect), ending).catch((error) =>
      // Processes are ended whatever the store can take.
      deps.log('the deadline of an ending could not be written down', {
        run_id: effect.runId,
        effect: effect.id,
        error: String(error),
      }),
    );
  };
