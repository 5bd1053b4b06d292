import { useEffect, useMemo, useState } from 'react';
import { inspectionTypes } from '../../wire/inspection.ts';
import { useSearchState } from '../ui/use-search.ts';
import type { FrameFilter } from './frame-filter.ts';
import type { FrameKind } from './inspected-frame.ts';

export const sides = {
  step: 'Step',
  snapshot: 'Snapshot',
  difference: 'Difference',
  json: 'JSON',
} as const;
export type Side = keyof typeof sides;

/** What is looked at; all of it stands in the address. */
export type InspectView = FrameFilter & {
  form: 'list' | 'sequence';
  side: Side;
  /** The ends of the difference: frames by their name in the address. */
  a: string | null;
  b: string | null;
};
export type ChangeView = (change: Record<string, string | null>) => void;

const kinds: readonly FrameKind[] = [...inspectionTypes, 'unknown'];
const kindsIn = (text: string | null): FrameKind[] =>
  kinds.filter((kind) => text?.split(',').includes(kind));
const sideIn = (text: string | null): Side =>
  text !== null && text in sides ? (text as Side) : 'step';

export const useInspectView = (): [InspectView, ChangeView] => {
  const [search, set] = useSearchState();
  const text = search.toString();
  const view = useMemo((): InspectView => {
    const params = new URLSearchParams(text);
    return {
      q: params.get('q') ?? '',
      kinds: kindsIn(params.get('type')),
      actor: params.get('actor'),
      form: params.get('form') === 'sequence' ? 'sequence' : 'list',
      side: sideIn(params.get('side')),
      a: params.get('a'),
      b: params.get('b'),
    };
  }, [text]);
  return [view, set];
};

const restMs = 300;

/**
 * The chosen frame by its name, null for the newest. It may change many times a second, so the
 * address says it when it rests: browsers refuse more than a few changes a second.
 */
export const useChosen = (): [string | null, (at: string | null) => void] => {
  const [search, set] = useSearchState();
  const [at, setAt] = useState(search.get('at'));
  useEffect(() => {
    const timer = setTimeout(() => set({ at }), restMs);
    return () => clearTimeout(timer);
  }, [at, set]);
  return [at, setAt];
};
