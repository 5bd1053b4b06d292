import { type AnyMachineSnapshot, getNextTransitions } from 'xstate';
import type { Judged, Lifecycle, Told } from './lifecycle.ts';

/**
 * Each guard that was asked, and what it said: the ledger's "why this way". They are asked here once;
 * an event is possible where a way has no guard, or one that holds.
 */
export const judged = (
  { judge }: Pick<Lifecycle, 'judge'>,
  snapshot: AnyMachineSnapshot,
  event: Told,
): { guards: Judged[]; isPossible: boolean } => {
  // XState would let the root handle an event even after the end (I1).
  if (snapshot.status !== 'active') return { guards: [], isPossible: false };
  const ways = getNextTransitions(snapshot).filter(({ eventType }) => eventType === event.type);
  const guards = ways.flatMap(({ guard }) => {
    if (!guard) return [];
    const { type, params } = guard as { type: string; params: unknown };
    return [judge(type, { context: snapshot.context, event }, params)];
  });
  return { guards, isPossible: guards.length < ways.length || guards.some(({ holds }) => holds) };
};
