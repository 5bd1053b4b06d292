import type { InspectedSnapshot } from '../../wire/inspection.ts';
import type { Child } from './frame-writer.ts';

/** What XState stores of a run. */
export type Stored = {
  status: InspectedSnapshot['status'];
  value: unknown;
  context: unknown;
  historyValue?: Record<string, unknown>;
  children?: Record<string, { src?: unknown; snapshot?: { input?: unknown } }>;
};
export type Children = ReturnType<typeof createChildren>;

/** The children that a stored snapshot has; of a run that is over none are left. */
const childrenOf = ({ status, children }: Stored): NonNullable<Stored['children']> =>
  status === 'active' ? (children ?? {}) : {};

/**
 * The actors that work for a run. A name is used again for each attempt; a session is not: it is
 * named for the version that begot it.
 */
export const createChildren = (runId: string, clean: (value: unknown) => unknown) => {
  const live = new Map<string, Child>();
  /** Also those that are over: a late answer names who sent it. */
  const sessions = new Map<string, string>();
  const bear = (id: string, src: unknown, input: unknown, version: number): Child => {
    const session = `${runId}/${id}@${version}`;
    const child = { id, session, src: String(src ?? id), input: clean(input) };
    live.set(id, child);
    sessions.set(id, session);
    return child;
  };
  return {
    bear,
    end: (id: string): Child | null => {
      const child = live.get(id) ?? null;
      live.delete(id);
      return child;
    },
    all: (): Child[] => [...live.values()],
    sessionOf: (id: string): string | undefined => sessions.get(id),
    /** Makes them those of a stored snapshot. @returns who came and who went by that */
    become: (stored: Stored, versionOf: (id: string) => number) => {
      const there = childrenOf(stored);
      const born = Object.entries(there)
        .filter(([id]) => !live.has(id))
        .map(([id, { src, snapshot }]) => bear(id, src, snapshot?.input, versionOf(id)));
      const over = [...live.values()].filter(({ id }) => !Object.hasOwn(there, id));
      for (const { id } of over) live.delete(id);
      return { born, over };
    },
  };
};
