import { useMemo, useRef } from 'react';
import type { Transition } from '../chart/marks.ts';
import { useKeys } from '../shell/keys.ts';
import { clockTime } from '../ui/time.ts';
import { short } from './run-words.ts';
import type { Change } from './use-view.ts';

type Props = {
  rows: readonly Transition[];
  n: number | null;
  isLive: boolean;
  onView: (change: Change) => void;
};

/** Moves the chart through what happened: each version of the run, as its transition left it. */
export const Scrubber = ({ rows, n, isLive, onView }: Props) => {
  const index =
    n === null
      ? rows.length - 1
      : Math.max(
          0,
          rows.findLastIndex((row) => row.n <= n),
        );
  const row = rows[index];
  const go = (to: number): void =>
    onView({ n: to >= rows.length - 1 ? null : (rows[Math.max(0, to)]?.n ?? null) });
  const step = useRef((_by: number): void => {});
  step.current = (by) => go(index + by);
  useKeys(
    useMemo(
      () => [
        { keys: ',', label: 'Previous step', group: 'This run', run: () => step.current(-1) },
        { keys: '.', label: 'Next step', group: 'This run', run: () => step.current(1) },
      ],
      [],
    ),
  );
  if (!row) return null;
  return (
    <div className="scrubber" data-past={n !== null || undefined}>
      <input
        type="range"
        aria-label="Version of the run"
        aria-valuetext={`version ${row.version} of ${rows.length}: ${short(row.to)} at ${clockTime(Date.parse(row.at))}`}
        min={0}
        max={rows.length - 1}
        value={index}
        onChange={({ target }) => go(Number(target.value))}
      />
      <output>
        {n === null ? (isLive ? 'Now' : 'The end') : `Version ${row.version} of ${rows.length}`}
        <span className="muted">
          {' '}
          · {short(row.to)} · {clockTime(Date.parse(row.at))}
        </span>
      </output>
      {n !== null && (
        <button type="button" className="button small" onClick={() => onView({ n: null })}>
          {isLive ? 'Back to now' : 'Back to the end'}
        </button>
      )}
    </div>
  );
};
