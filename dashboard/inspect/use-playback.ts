import { useEffect, useState } from 'react';
import type { Step } from './steps-of.ts';

export const speeds = [1, 4, 16, 64] as const;
/** Nobody waits for a backoff of an hour: a pause of the run is at most so long. */
const longestMs = 2000;
const shortestMs = 60;

/** Walks through the steps at the pace in which they came, or faster; stops at the last. */
export const usePlayback = (
  steps: readonly Step[],
  current: number,
  choose: (place: number) => void,
) => {
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(speeds[1]);
  const here = steps[current];
  const next = steps[current + 1];
  useEffect(() => {
    if (!isPlaying) return;
    if (!next) return setPlaying(false);
    const pause = (next.at - (here?.at ?? next.at)) / speed;
    const timer = setTimeout(
      () => choose(next.shown),
      Math.min(longestMs, Math.max(shortestMs, pause)),
    );
    return () => clearTimeout(timer);
  }, [isPlaying, here, next, speed, choose]);
  const play = (): void => {
    // At the end there is nothing left to play: it begins again.
    if (!next && steps[0]) choose(steps[0].shown);
    setPlaying(true);
  };
  return { isPlaying, speed, setSpeed, play, pause: () => setPlaying(false) };
};
