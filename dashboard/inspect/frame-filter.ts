import { frameWord } from './frame-words.ts';
import type { FrameKind, Inspected } from './inspected-frame.ts';
import type { KnownActor } from './known-actors.ts';

export type FrameFilter = {
  q: string;
  /** Empty = all. */
  kinds: readonly FrameKind[];
  /** Name of an actor; its attempts are one. */
  actor: string | null;
};

export const isFilteredBy = ({ q, kinds, actor }: FrameFilter): boolean =>
  q !== '' || kinds.length > 0 || actor !== null;

/** Places of the frames that the filter lets through. The text is looked for in the whole frame. */
export const placesOf = (
  frames: readonly Inspected[],
  actors: readonly KnownActor[],
  { q, kinds, actor }: FrameFilter,
): number[] => {
  const typed = q.toLowerCase();
  const ids =
    actor === null
      ? null
      : new Set(actors.filter(({ name }) => name === actor).map(({ id }) => id));
  const isLetThrough = (frame: Inspected): boolean =>
    (kinds.length === 0 || kinds.includes(frame.kind)) &&
    (ids === null || ids.has(frame.sessionId)) &&
    (typed === '' ||
      frameWord(frame).toLowerCase().includes(typed) ||
      frame.text.toLowerCase().includes(typed));
  return frames.flatMap((frame, place) => (isLetThrough(frame) ? [place] : []));
};
