import { useMemo } from 'react';
import { stageNow } from '../../wire/beside.ts';
import type { RunView } from '../../wire/patch.ts';
import { useSearchState } from '../ui/use-search.ts';

/**
 * What of a run is looked at. All of it stands in the address; what is not there follows the run.
 */
export type View = {
  stage: string | null;
  attempt: number | null;
  /** A row of the ledger: the run as it stood then. */
  n: number | null;
  path: string | null;
  stream: 'stdout' | 'stderr' | null;
  line: number | null;
  q: string;
  side: 'ledger' | 'events' | 'details';
  flow: 'right' | 'down' | null;
  stages: 'all' | 'few' | null;
};
export type Change = Partial<Record<keyof View, string | number | null>>;

const numberIn = (text: string | null): number | null =>
  text !== null && /^[1-9]\d{0,15}$/.test(text) ? Number(text) : null;
const oneOf = <T extends string>(text: string | null, all: readonly T[]): T | null =>
  all.find((one) => one === text) ?? null;

export const useView = (): [View, (change: Change) => void] => {
  const [search, set] = useSearchState();
  const text = search.toString();
  const view = useMemo((): View => {
    const params = new URLSearchParams(text);
    return {
      stage: params.get('stage'),
      attempt: numberIn(params.get('attempt')),
      n: numberIn(params.get('n')),
      path: params.get('path'),
      line: numberIn(params.get('line')),
      q: params.get('q') ?? '',
      stream: oneOf(params.get('stream'), ['stdout', 'stderr']),
      side: oneOf(params.get('side'), ['ledger', 'events', 'details']) ?? 'ledger',
      flow: oneOf(params.get('flow'), ['right', 'down']),
      stages: oneOf(params.get('stages'), ['all', 'few']),
    };
  }, [text]);
  const change = (some: Change): void =>
    set(
      Object.fromEntries(
        Object.entries(some).map(([key, value]) => [
          key,
          value === null || value === undefined ? null : String(value),
        ]),
      ),
    );
  return [view, change];
};

/**
 * The stage and attempt that are shown: those of the address, else where it failed, else where the
 * run is.
 */
export const shownAttempt = (
  run: RunView,
  view: View,
): { stage: string; attempt: number } | null => {
  // What was taken over from an earlier run was printed there.
  const begun = run.stages.filter(({ attempt, state }) => attempt > 0 && state !== 'reused');
  const wanted = view.stage ?? run.error?.stage ?? stageNow(run);
  // One that waits for its turn has printed nothing: what was printed last is read meanwhile.
  const stage = begun.find(({ name }) => name === wanted) ?? begun.at(-1);
  if (!stage) return null;
  const attempt =
    view.attempt !== null && view.attempt <= stage.attempt ? view.attempt : stage.attempt;
  return { stage: stage.name, attempt };
};
