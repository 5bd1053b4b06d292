import type { Mask } from '../../stages/mask.ts';
/** Keeps the length in bytes, so that offsets stay true. */
export type ByteMask = Pick<Mask, 'longestBytes' | 'bytes'>;
