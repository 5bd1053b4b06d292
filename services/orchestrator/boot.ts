import { plainError } from '../host/plain-error.ts';
import { recover } from '../runners/recovery.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { Engine } from './engine.ts';
import type { Foundation } from './foundation.ts';
import type { Supervision } from './supervision.ts';

/** Settles what the last service left; state is answered from then on. */
export const createBoot =
  (deps: {
    foundation: Foundation;
    engine: Engine;
    supervision: Pick<Supervision, 'watchdog' | 'notifications'>;
    scheduler: Scheduler;
  }) =>
  async (): Promise<void> => {
    const { foundation, engine, scheduler } = deps;
    const { store, log, disk, publisher } = foundation;
    await scheduler.recall();
    await foundation.serviceTimes
      .begin()
      .catch((error) => log('the start was not remembered', { error: plainError(error) }));
    engine.marks.heartbeats.restore(await store.effects());
    await disk
      .look()
      .catch((error) => log('the disk could not be measured', { error: plainError(error) }));
    const { timers, admission, reap } = engine;
    const { runs } = await recover({ ...engine.settling, timers, admission, reap });
    if (runs > 0) await publisher.note(backWith(runs));
    await foundation.unknownFolders
      .look()
      .catch((error) => log('the folders of runs were not read', { error: plainError(error) }));
    foundation.phase.ready();
    await engine.masking.load();
    engine.masking.soon();
    deps.supervision.watchdog.start();
    publisher.wake();
    await deps.supervision.notifications.open();
    // Last: what the last service left has its permits back, and a missed slot meets the truth.
    await scheduler.open();
    foundation.retention.wake();
  };

const backWith = (runs: number) => ({
  runId: null,
  pipeline: null,
  stage: 'system',
  event: 'recovered' as const,
  severity: 'info' as const,
  msg: `the service is back and goes on with ${runs} ${runs === 1 ? 'run' : 'runs'}`,
  data: { runs },
});
