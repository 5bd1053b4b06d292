import type { RunContext } from '../../machines/context.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import type { Clock } from '../clock.ts';
import { fenceOf } from '../fence.ts';
import type { EffectRunner } from '../interpreter/effects.ts';
import type { EffectRow, RunRow, Store } from '../store.ts';

type Deps = {
  store: Pick<Store, 'load' | 'removeDrained'>;
  processes: ProcessTable;
  /** Resolves when this service's own runner of the effect has let go. */
  settled: (effect: EffectRow) => Promise<void>;
  /** No grace is longer than this; finite only while the service shuts down. */
  graceCapMs: () => number;
  clock: Pick<Clock, 'after'>;
};

const settleMs = 10_000;

/**
 * Ends what the run has dropped and answers only when no process of it is left (T1): SIGTERM,
 * grace, SIGKILL, sweep.
 */
export const createDrainRunner = ({
  store,
  processes,
  settled,
  clock,
  graceCapMs,
}: Deps): EffectRunner => {
  const atMost = async (ms: number, work: Promise<void>): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(ms, late.resolve);
    await Promise.race([work, late.promise]);
    cancel();
  };
  return async (_effect, run, signal) => {
    const loaded = await store.load(run.runId);
    const dropping = loaded?.effects.filter(({ state }) => state === 'dropping') ?? [];
    await Promise.all(
      dropping.map(async (effect) => {
        await processes.end(
          effect.process,
          effect.token,
          Math.min(graceOf(run, effect), graceCapMs()),
          signal,
        );
        // Its runner closes its books once its processes are gone. One that cannot (its launcher
        // hangs) holds nobody up.
        await atMost(settleMs, settled(effect));
      }),
    );
    if (signal.aborted) throw new Error('the drain was replaced');
    await store.removeDrained(run.runId, dropping.map(fenceOf));
    return {};
  };
};

/** How long the processes of this attempt may take after SIGTERM. */
export const graceOf = (run: RunRow, effect: EffectRow): number => {
  const { stop, policy } = (run.snapshot as { context: RunContext }).context;
  return stop?.graceMs ?? policy[effect.input.stage ?? '']?.graceMs ?? 0;
};
