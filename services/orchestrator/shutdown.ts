import { shutdownGraceMs } from '../pipelines/lint-pipeline.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { createEndWork } from './end-work.ts';
import type { Engine } from './engine.ts';
import type { Foundation } from './foundation.ts';
import type { Parts } from './service-parts.ts';
import type { Supervision } from './supervision.ts';

const lastMaskingMs = 2000;

/**
 * Starts nothing more, ends what works, and resolves when no process is left or the time is up. The
 * order of closing: first whoever begins something, then what works, then whoever records how it
 * ended, the store last.
 */
export const createShutdown = (deps: {
  parts: Pick<Parts, 'launcher' | 'processes'>;
  foundation: Foundation;
  engine: Engine;
  supervision: Pick<Supervision, 'watchdog' | 'eventLoop' | 'notifications'>;
  scheduler: Pick<Scheduler, 'close'>;
  shutdownTimeoutMs: number;
}) => {
  const { parts, foundation, engine, supervision, scheduler, shutdownTimeoutMs } = deps;
  const { effects, timers, marks, masking } = engine;
  const endWork = createEndWork({ foundation, engine, processes: parts.processes });

  /**
   * What ended by the shutdown is masked with the values that it was given; what is too long for
   * that is left to the next service.
   */
  const maskLast = async (): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const cancel = foundation.clock.after(lastMaskingMs, late.resolve);
    await Promise.race([masking.look().catch(() => {}), late.promise]);
    cancel();
    await masking.close();
  };

  return async (timeMs: number = shutdownTimeoutMs): Promise<void> => {
    foundation.phase.drain(shutdownGraceMs(shutdownTimeoutMs));
    engine.admission.close();
    await supervision.watchdog.close();
    await scheduler.close();
    await foundation.repeats.close();
    effects.hold();
    timers.close();
    await endWork(timeMs);
    await engine.stops.close();
    effects.close();
    marks.progress.close();
    marks.heartbeats.close();
    supervision.eventLoop.close();
    foundation.closing.abort();
    await parts.launcher.close();
    await maskLast();
    await supervision.notifications.close();
    await foundation.disk.close();
    await foundation.retention.close();
    await foundation.archive.close();
    await foundation.serviceTimes
      .end()
      .catch((error) => foundation.log('the end was not remembered', { error: String(error) }));
    await foundation.store.close();
  };
};
