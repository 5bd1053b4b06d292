import { type KeyboardEvent, useMemo, useRef } from 'react';
import { useKeys } from '../shell/keys.ts';
import { placeFrom } from './next-place.ts';

const group = 'Inspector';
const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

type Options = {
  /** What can be stepped through, in order. */
  places: readonly number[];
  chosen: number;
  choose: (place: number, extend?: boolean) => void;
};

/** Steps through a list: `j` and `k` anywhere, arrows where the list has the focus. */
export const useListKeys = ({ places, chosen, choose }: Options) => {
  const go = (by: number, extend = false): void => {
    const place = placeFrom(places, chosen, by);
    if (place !== null) choose(place, extend);
  };
  const gone = useRef(go);
  gone.current = go;
  useKeys(
    useMemo(
      () => [
        { keys: 'j', label: 'Next frame', group, run: () => gone.current(1) },
        { keys: 'k', label: 'Previous frame', group, run: () => gone.current(-1) },
      ],
      [],
    ),
  );
  return (event: KeyboardEvent): void => {
    const by = steps[event.key];
    if (event.key === 'Home') go(-places.length, event.shiftKey);
    else if (event.key === 'End') go(places.length, event.shiftKey);
    else if (by !== undefined) go(by, event.shiftKey);
    else return;
    event.preventDefault();
  };
};
