import type { EffectRow, Fence } from './run-rows.ts';

/** The fence that an answer of this effect must carry. */
export const fenceOf = ({ id, stamp }: Pick<EffectRow, 'id' | 'stamp'>): Fence => ({
  kind: 'effect',
  id,
  stamp,
});
