import { createBoot } from './boot.ts';
import { createEngine } from './engine.ts';
import { createFacade } from './facade.ts';
import { createFoundation } from './foundation.ts';
import type { Orchestrator } from './orchestrator-port.ts';
import type { Parts, ServiceOptions } from './service-parts.ts';
import { createShutdown } from './shutdown.ts';
import { createSupervision } from './supervision.ts';

export type Service = {
  orchestrator: Orchestrator;
  /** Settles what the last service left; state is answered from then on. */
  boot(): Promise<void>;
  /** One turn of the scheduler; the waker does the same each second. */
  tickSchedules(): Promise<void>;
  /**
   * Starts nothing more, ends what works, and resolves when no process is left or the time is up.
   * @param timeMs what is left of the shutdown time
   */
  close(timeMs?: number): Promise<void>;
};

/** Puts the services together, each of what stands before it; nothing here decides anything about a run. */
export const createService = (parts: Parts, options: ServiceOptions): Service => {
  const foundation = createFoundation(parts, options);
  const engine = createEngine(parts, foundation, options);
  const supervision = createSupervision(parts, foundation, engine, options);
  const facade = createFacade(parts, options, foundation, engine, supervision);
  const { orchestrator, scheduler } = facade;
  const whole = { parts, foundation, engine, supervision, scheduler };
  return {
    orchestrator,
    tickSchedules: scheduler.tick,
    boot: createBoot(whole),
    close: createShutdown({ ...whole, shutdownTimeoutMs: options.shutdownTimeoutMs }),
  };
};
