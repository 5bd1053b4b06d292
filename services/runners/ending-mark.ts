import type { Ending } from '../../stages/contract.ts';
import type { Launcher } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { endingRecorded } from '../store/amendments.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';

/**
 * Writes down that an attempt was sent SIGTERM and by when it is over: the launcher goes on with
 * that should this service die, and the next service does.
 */
export const createEndingMark =
  (deps: {
    store: Pick<Store, 'amend'>;
    clock: Pick<Clock, 'wallMs'>;
    launcher: Pick<Launcher, 'ending'>;
    log: Log;
  }) =>
  (effect: EffectRow, ending: Ending): void => {
    // First, and at once: the commit may take a while.
    deps.launcher.ending(effect.token, ending);
    const change = endingRecorded(fenceOf(effect), ending);
    deps.store.amend([{ runId: effect.runId, change }], deps.clock.wallMs()).catch((error) =>
      // Processes are ended whatever the store can take.
      deps.log('the deadline of an ending could not be written down', {
        run_id: effect.runId,
        effect: effect.id,
        error: String(error),
      }),
    );
  };
