import { useState } from 'react';
import { Link } from 'wouter';
import type { RunFacts } from '../reads.ts';
import { quantile } from '../ui/statistics.ts';
import { duration, moment } from '../ui/time.ts';
import { useRoving } from '../ui/use-roving.ts';
import { lookOfRun, plural } from '../ui/words.ts';

const lowest = 0.22;

const sentence = (run: RunFacts): string => {
  const { word } = lookOfRun(run);
  const where = run.state === 'FAILED' && run.error?.stage ? ` in ${run.error.stage}` : '';
  const took = run.duration_ms === null ? '' : `, ${duration(run.duration_ms)}`;
  const at = run.started_at ?? run.created_at;
  return `Run ${run.number}: ${word.toLowerCase()}${where}${took}${at ? `, ${moment(Date.parse(at), Date.now())}` : ''}`;
};

/** All of it in one line: how many, how good, how long. */
const summary = (runs: readonly RunFacts[]): string => {
  const over = runs.filter(({ ended_at }) => ended_at !== null);
  if (over.length === 0) return runs.length === 0 ? 'Never ran' : 'First run';
  const good = over.filter(({ state }) => state === 'DONE');
  const middle = quantile(
    good.map(({ duration_ms }) => duration_ms ?? 0),
    0.5,
  );
  const share = `${Math.round((good.length / over.length) * 100)} % done`;
  return [`Last ${plural(runs.length, 'run')}`, share, middle === null ? null : `median ${duration(middle)}`].filter(Boolean).join(' · ');
};

/**
 * The last runs, oldest left: height is duration, form is result (solid done, hollow nothing to do, broken failed, striped
 * stopped). One stop of the Tab key; arrows move along it; what is pointed at is said below.
 */
export const Barcode = ({ runs, title }: { runs: readonly RunFacts[]; title: string }) => {
  const bars = [...runs].reverse();
  const [at, setAt] = useState<number | null>(null);
  const { ref, onKeyDown, tabIndexOf, onFocusOf } = useRoving<HTMLUListElement>(bars.length);
  const longest = Math.max(1, ...bars.map(({ duration_ms }) => duration_ms ?? 0));
  return (
    <div className="barcode">
      <ul ref={ref} aria-label={`Last runs of ${title}`} onKeyDown={onKeyDown} onMouseLeave={() => setAt(null)}>
        {bars.map((run, index) => {
          const { tone, glyph } = lookOfRun(run);
          const height = Math.max(lowest, Math.sqrt((run.duration_ms ?? 0) / longest));
          return (
            <li key={run.run_id}>
              <Link
                href={`/runs/${run.run_id}`}
                aria-label={sentence(run)}
                tabIndex={tabIndexOf(index)}
                onFocus={() => {
                  onFocusOf(index)();
                  setAt(index);
                }}
                onBlur={() => setAt(null)}
                onMouseEnter={() => setAt(index)}
              >
                <span className="bar-mark" data-tone={tone} data-glyph={glyph} style={{ blockSize: `${height * 100}%` }} />
              </Link>
            </li>
          );
        })}
      </ul>
      <p className="barcode-said figure" aria-hidden={at !== null}>
        {at === null || !bars[at] ? summary(runs) : sentence(bars[at])}
      </p>
    </div>
  );
};
