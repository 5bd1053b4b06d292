import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import { placesOf } from './frame-filter.ts';
import type { Inspected } from './inspected-frame.ts';
import { actorsOf } from './known-actors.ts';
import { type Step, stepAt, stepsOf } from './steps-of.ts';
import { useFeed } from './use-feed.ts';
import { type InspectView, useChosen } from './use-inspect-view.ts';

const nothing: readonly Inspected[] = [];

/** How the address calls a frame: of one run without the run, for that is in the path. */
const nameOf = (runId: string | null, { key }: Inspected): string =>
  runId !== null && key.startsWith(`${runId}:`) ? key.slice(runId.length + 1) : key;

/** The place of a frame by its name, or of what a step led to by the step's number. */
const placeOf = (
  names: ReadonlyMap<string, number>,
  steps: readonly Step[],
  name: string | null,
): number | null => {
  if (name === null) return null;
  const place = names.get(name);
  if (place !== undefined) return place;
  const isStep = /^\d+$/.test(name);
  return (isStep && steps.find(({ n }) => n === Number(name))?.shown) || null;
};

/** The frames of a run as they are looked at: which are let through, and which one is chosen. */
export const useInspection = (runId: string | null, view: InspectView) => {
  const { feed, retry } = useFeed(runId);
  const frames = feed?.frames ?? nothing;
  const [at, setAt] = useChosen();
  const [anchor, setAnchor] = useState<number | null>(null);
  const q = useDeferredValue(view.q);
  const { kinds, actor } = view;
  const actors = useMemo(() => actorsOf(frames), [frames]);
  const steps = useMemo(() => stepsOf(frames), [frames]);
  const names = useMemo(
    () => new Map(frames.map((frame, place) => [nameOf(runId, frame), place])),
    [frames, runId],
  );
  const places = useMemo(
    () => placesOf(frames, actors, { q, kinds, actor }),
    [frames, actors, q, kinds, actor],
  );
  const placeNamed = (name: string | null): number | null => placeOf(names, steps, name);
  const chosen = placeNamed(at) ?? steps.at(-1)?.shown ?? -1;
  const step = stepAt(steps, chosen);
  const choose = useCallback(
    (place: number, extend = false): void => {
      const frame = frames[place];
      if (!frame) return;
      setAnchor((before) => (extend ? (before ?? chosen) : null));
      setAt(nameOf(runId, frame));
    },
    [frames, runId, setAt, chosen],
  );
  return {
    feed,
    retry,
    frames,
    actors,
    steps,
    places,
    chosen,
    /** The other end of what is selected; null while it is one frame. */
    anchor,
    isFollowing: at === null,
    follow: (isOn: boolean): void => {
      setAnchor(null);
      if (isOn) setAt(null);
      else choose(chosen);
    },
    choose,
    placeNamed,
    nameOf: (place: number): string | null => {
      const frame = frames[place];
      return frame ? nameOf(runId, frame) : null;
    },
    step,
    /** Where the chosen step ends: a step is told whole, so what it led to is what is shown. */
    upTo: steps[step]?.last ?? chosen,
  };
};
export type Inspection = ReturnType<typeof useInspection>;
