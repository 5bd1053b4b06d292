import type { EffectRunner } from '../interpreter/effects.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow } from '../store/store.ts';

const keyOf = (effect: EffectRow): string => {
  const { id, stamp } = fenceOf(effect);
  return `${effect.runId} ${id} ${stamp}`;
};

/**
 * Who works on which effect here at the moment, so that a drain can wait until the runner of what it
 * ends has let go.
 */
export const createRunnerTurns = () => {
  const turns = new Map<string, Promise<unknown>>();
  return {
    follow:
      (runner: EffectRunner): EffectRunner =>
      (effect, run, signal) => {
        const key = keyOf(effect);
        const turn = runner(effect, run, signal).finally(() => turns.delete(key));
        turns.set(key, turn);
        return turn;
      },
    /** Resolves when the runner of this effect has let go; at once when none works on it here. */
    settled: async (effect: EffectRow): Promise<void> => {
      await turns.get(keyOf(effect))?.catch(() => {});
    },
  };
};
