import type { StageStatus, Status } from './status.ts';

/** A run as everybody sees it, without the position in the journal at which it was seen. */
export type RunView = Omit<Status, 'as_of_seq'>;
/**
 * The fields of a view that a step changed; stages are named, and carry what changed in them. The
 * first one of a run is whole.
 */
export type StatusPatch = Partial<Omit<RunView, 'stages'>> & {
  stages?: ({ name: string } & Partial<StageStatus>)[];
};

const isSame = (a: unknown, b: unknown): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);

const changed = <T extends object>(before: T, after: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(after).filter(([key, value]) => !isSame(value, before[key as keyof T])),
  ) as Partial<T>;

/** What moves between the steps: beside others a stage says itself how far it is. */
const lifeOf = ({ heartbeat_at, group, progress = null }: StageStatus): Partial<StageStatus> => ({
  heartbeat_at,
  ...(group !== undefined && { progress }),
});

/** @param before null when the run is new */
export const patchOf = (before: RunView | null, after: RunView): StatusPatch => {
  if (!before) return after;
  const { stages: _, ...rest } = changed(before, after);
  const stages = after.stages.flatMap((stage, index) => {
    const facts = changed(before.stages[index] as StageStatus, stage);
    if (Object.keys(facts).length === 0) return [];
    // Signs of life move between the steps, without a place in the journal: a stage that begins or
    // ends says what holds now.
    const life = 'state' in facts ? lifeOf(stage) : {};
    return [{ ...facts, ...life, name: stage.name }];
  });
  return { ...rest, ...(stages.length > 0 && { stages }) };
};

/** `applyPatch(a, patchOf(a, b))` equals `b`. */
export const applyPatch = (before: RunView | null, patch: StatusPatch): RunView => {
  if (!before) return patch as RunView;
  const { stages, ...rest } = patch;
  const merged =
    stages &&
    before.stages.map((stage) => ({ ...stage, ...stages.find(({ name }) => name === stage.name) }));
  return { ...before, ...rest, ...(merged && { stages: merged }) };
};
