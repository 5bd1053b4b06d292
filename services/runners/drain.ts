import type { RunContext } from '../../machines/context.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
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
};

/** Ends what the run has dropped and answers only when no process of it is left (T1): SIGTERM, grace, SIGKILL, sweep. */
export const createDrainRunner = ({ store, processes, settled, graceCapMs }: Deps): EffectRunner => {
  return async (_effect, run, signal) => {
    const loaded = await store.load(run.runId);
    const dropping = loaded?.effects.filter(({ state }) => state === 'dropping') ?? [];
    await Promise.all(
      dropping.map(async (effect) => {
        await processes.end(effect.process, effect.token, Math.min(graceOf(run, effect), graceCapMs()), signal);
        await settled(effect);
      }),
    );
    if (signal.aborted) throw new Error('the drain was replaced');
    await store.removeDrained(run.runId, dropping.map(fenceOf));
    return {};
  };
};

const graceOf = (run: RunRow, effect: EffectRow): number => {
  const { stop, policy } = (run.snapshot as { context: RunContext }).context;
  return stop?.graceMs ?? policy[effect.input.stage ?? '']?.graceMs ?? 0;
};
