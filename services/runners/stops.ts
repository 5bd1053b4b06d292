import type { RunContext, SentEvent } from '../../machines/context.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Delivery } from '../interpreter/decide.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { Waits } from '../interpreter/waits.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';

export type Stops = {
  /**
   * A stop that found no space to be recorded: what works for the run is ended all the same.
   * Killing needs no record before it; only what begins does.
   * @returns the refusal that says so, null when there is nothing to stop
   */
  unrecorded(runId: string, delivery: Delivery): Promise<ServiceError | null>;
  /**
   * Records the stop that waits for this run, if there is one. Nothing else may happen to the run
   * before: killed by us, it would count as failed. @throws while it cannot be recorded
   */
  before(runId: string): Promise<void>;
  /** Tries to record every stop that waits. */
  tick(): void;
  close(): Promise<void>;
};
type Stop = SentEvent & { type: 'STOP' };
type Waiting = { delivery: Delivery; over: () => void; recording: Promise<void> | null };

const againMs = 1000;

export const createStops = (deps: {
  interpreter: Pick<Interpreter, 'deliver'>;
  store: Pick<Store, 'run'>;
  processes: ProcessTable;
  waits: Pick<Waits, 'begin'>;
  clock: Pick<Clock, 'after'>;
  log: Log;
}): Stops => {
  const { interpreter, store, processes, waits, clock, log } = deps;
  const waiting = new Map<string, Waiting>();
  const ending = new AbortController();
  let cancel: (() => void) | null = null;

  const record = async (runId: string, stop: Waiting): Promise<void> => {
    await interpreter.deliver(runId, stop.delivery);
    if (waiting.get(runId) !== stop) return;
    waiting.delete(runId);
    stop.over();
  };
  const before = async (runId: string): Promise<void> => {
    const stop = waiting.get(runId);
    if (!stop) return;
    stop.recording ??= record(runId, stop).finally(() => {
      stop.recording = null;
    });
    await stop.recording;
  };
  const tick = (): void => {
    for (const runId of waiting.keys()) before(runId).catch(later);
  };
  const later = (): void => {
    if (ending.signal.aborted) return;
    cancel ??= clock.after(againMs, () => {
      cancel = null;
      tick();
    });
  };

  const end = (run: RunRow, effect: EffectRow, { grace_ms }: Stop): void => {
    const { policy } = (run.snapshot as { context: RunContext }).context;
    const graceMs = grace_ms ?? policy[effect.input.stage ?? '']?.graceMs ?? 0;
    processes.end(effect.process, effect.token, graceMs, ending.signal).catch((error) => {
      if (!ending.signal.aborted)
        log('processes of a stop could not be ended', { run_id: run.runId, error: String(error) });
    });
  };

  return {
    unrecorded: async (runId, delivery) => {
      const loaded = await store.run(runId);
      if (!loaded?.run.projection.allowed.includes('STOP')) return null;
      const { run } = loaded;
      const event = delivery.event as Stop;
      const working = loaded.effects.filter(({ kind }) => kind === 'stage');
      const first = waiting.get(runId);
      // As when it is recorded: a further stop may only bring the end nearer.
      if (!first || event.grace_ms !== null) for (const effect of working) end(run, effect, event);
      if (!first) {
        const why = `waits for room on the disk to record the stop by ${event.by}`;
        const over = waits.begin(runId, 'stop', why);
        // The version was asked for and held; meanwhile nothing else happens to the run.
        waiting.set(runId, { delivery: { ...delivery, ifVersion: null }, over, recording: null });
      }
      later();
      const doing =
        working.length > 0 ? 'its processes are being ended' : 'it has no running processes';
      return new ServiceError(
        'disk-full',
        `the disk is full, so the stop of run ${run.number} of ${run.pipeline} cannot be recorded yet: ${doing}, and the stop is recorded when there is room`,
        { extra: { run_id: runId, state: run.projection.state } },
      );
    },
    before,
    tick,
    close: async () => {
      cancel?.();
      for (const runId of waiting.keys())
        await before(runId).catch((error) =>
          log('a stop could not be recorded before the end of the service', {
            run_id: runId,
            error: String(error),
          }),
        );
      ending.abort();
    },
  };
};
