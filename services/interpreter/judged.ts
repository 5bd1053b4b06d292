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

/** A transition that an event may take: where it leads, and what its guard says. */
export type Way = { to: string; judged: Judged | null; isTaken: boolean };

/** Every way there is for an event here, in the order in which they are asked. */
export const waysOf = (
  { judge }: Pick<Lifecycle, 'judge'>,
  snapshot: AnyMachineSnapshot,
  event: Told,
): Way[] => {
  if (snapshot.status !== 'active') return [];
  const taken: string[] = [];
  return getNextTransitions(snapshot)
    .filter(({ eventType }) => eventType === event.type)
    .map(({ source, target, guard }) => {
      const { type, params } = (guard ?? {}) as { type?: string; params?: unknown };
      const said =
        type === undefined ? null : judge(type, { context: snapshot.context, event }, params);
      // A state inside has had its word before; regions beside each other have one each.
      const isTaken =
        said?.holds !== false &&
        !taken.some((id) => id === source.id || id.startsWith(`${source.id}.`));
      if (isTaken) taken.push(source.id);
      const to = (target ?? [source]).map(({ path }) => path.join('.')).join(' ');
      return { to, judged: said, isTaken };
    });
};
