import type { Inspected } from './inspected-frame.ts';

/** An actor as far as the frames tell of it. Places are those of frames in the list. */
export type KnownActor = {
  id: string;
  name: string;
  parentId: string | null;
  runId: string | null;
  depth: number;
  since: number;
  first: number;
  last: number;
  /** Frames that hold a snapshot of it, oldest first. */
  snapshots: readonly number[];
};

/** The last of ascending numbers that is not beyond `at`; -1 when all are. */
const lastUpTo = (all: readonly number[], at: number): number => {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** The place of the actor's snapshot as it was at a step, or of one before that. */
export const snapshotAt = (actor: KnownActor, at: number, back = 0): number | null =>
  actor.snapshots[lastUpTo(actor.snapshots, at) - back] ?? null;

const inOrder = (actors: readonly KnownActor[]): KnownActor[] => {
  const ids = new Set(actors.map(({ id }) => id));
  const below = Map.groupBy(actors, ({ parentId }) =>
    parentId !== null && ids.has(parentId) ? parentId : '',
  );
  const walk = (parent: string, depth: number): KnownActor[] =>
    (below.get(parent) ?? []).flatMap((actor) => [
      { ...actor, depth },
      ...walk(actor.id, depth + 1),
    ]);
  return walk('', 0);
};

/** Every actor that the frames name, parents before their children. */
export const actorsOf = (frames: readonly Inspected[]): KnownActor[] => {
  const known = new Map<string, KnownActor & { snapshots: number[] }>();
  frames.forEach(({ sessionId, kind, ...frame }, index) => {
    if (sessionId === '') return;
    const actor = known.get(sessionId) ?? {
      id: sessionId,
      name: sessionId,
      parentId: null,
      runId: frame.runId,
      depth: 0,
      since: frame.at,
      first: index,
      last: index,
      snapshots: [],
    };
    actor.last = index;
    if (kind === 'actor') {
      actor.name = frame.name ?? actor.name;
      actor.parentId = frame.parentId === sessionId ? null : frame.parentId;
    }
    if (frame.hasSnapshot) actor.snapshots.push(index);
    known.set(sessionId, actor);
  });
  return inOrder([...known.values()]);
};
