import type { ProcessTable } from '../../stages/launcher-port.ts';
import { interrupt } from '../runners/recovery.ts';
import type { EffectRow } from '../store/store.ts';
import type { Engine } from './engine.ts';
import type { Foundation } from './foundation.ts';

type Deps = {
  foundation: Pick<Foundation, 'store' | 'clock' | 'log' | 'phase' | 'closing'>;
  engine: Pick<Engine, 'interpreter' | 'commits'>;
  processes: ProcessTable;
};

/** SIGKILL is at once; whom the kernel holds is not waited for. */
const killMs = 2000;

const isDraining = ({ kind }: EffectRow): boolean => kind === 'drain';
const hasProcess = ({ kind, state }: EffectRow): boolean => kind === 'stage' && state !== 'born';

/** Every live attempt is told; the chart judges by `on_restart`, the drain ends the processes. */
export const createEndWork = ({ foundation, engine, processes }: Deps) => {
  const { store, clock, log, phase, closing } = foundation;
  /** Ended without a record, which the store did not take: the next service reads how. */
  const unrecorded = new Set<string>();
  const isWorking = (row: EffectRow): boolean =>
    !unrecorded.has(row.token) && (isDraining(row) || hasProcess(row));

  const interruptOrEnd = async (effect: EffectRow): Promise<void> => {
    try {
      await interrupt(engine.interpreter, effect, 'the service was stopped');
    } catch (error) {
      log('an interruption could not be recorded; its processes are ended all the same', {
        run_id: effect.runId,
        error: String(error),
      });
      await processes.end(effect.process, effect.token, phase.graceCapMs(), closing.signal);
      unrecorded.add(effect.token);
    }
  };

  /** What is being ended already has no more time than what is asked to end now. */
  const shorten = (effect: EffectRow): void => {
    const goneMs = effect.ending ? clock.monotonicMs() - effect.ending.termedAt : 0;
    processes.shorten(effect.token, goneMs + phase.graceCapMs());
  };

  /**
   * The time is up: who is left has no grace any more. The launcher, which ends after us, would give
   * them all of theirs, and we would wait for it.
   */
  const killRest = async (): Promise<void> => {
    const rows = (await store.effects()).filter(hasProcess);
    if (rows.length === 0) return;
    const over = new AbortController();
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(killMs, late.resolve);
    const ends = rows.map(({ process, token }) => processes.end(process, token, 0, over.signal));
    await Promise.race([Promise.allSettled(ends), late.promise]);
    over.abort();
    cancel();
  };

  return async (timeMs: number): Promise<void> => {
    const quiet = Promise.withResolvers<void>();
    const look = async (): Promise<void> => {
      if (!(await store.effects()).some(isWorking)) quiet.resolve();
    };
    engine.commits.as('shutdown')(() => void look().catch(quiet.reject));
    for (const effect of await store.effects()) {
      if (effect.state === 'dropping') shorten(effect);
      if (effect.kind === 'stage' && effect.state === 'started')
        void interruptOrEnd(effect).then(look).catch(quiet.reject);
    }
    await look();
    const cancel = clock.after(timeMs, quiet.resolve);
    await quiet.promise;
    cancel();
    await killRest();
  };
};
