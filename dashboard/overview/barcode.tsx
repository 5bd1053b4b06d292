import { useState } from 'react';
import { Link } from 'wouter';
import { useRoving } from '../ui/use-roving.ts';
import { type RunFacts, useSlotEvents } from '../use-reads.ts';
import { barsOf, summaryOf } from './duration-bars.ts';

export const barcodeRuns = 30;

/**
 * The last runs, oldest left: height is duration, form is result (solid done, hollow nothing to do,
 * broken failed, striped stopped, dashed a slot that became no run). One stop of the Tab key; what
 * is pointed at is said below.
 */
export const Barcode = ({
  pipeline,
  runs,
  title,
}: {
  pipeline: string;
  runs: readonly RunFacts[];
  title: string;
}) => {
  const slots = useSlotEvents(pipeline).data?.items ?? [];
  const bars = barsOf(runs, slots, barcodeRuns, Date.now());
  const [at, setAt] = useState<number | null>(null);
  const { ref, onKeyDown, tabIndexOf, onFocusOf } = useRoving<HTMLUListElement>(bars.length);
  const said = at === null ? null : (bars[at]?.text ?? null);
  return (
    <div className="barcode">
      <ul
        ref={ref}
        aria-label={`Last runs of ${title}`}
        onKeyDown={onKeyDown}
        onMouseLeave={() => setAt(null)}
      >
        {bars.map(({ key, href, text, tone, glyph, height }, index) => (
          <li key={key}>
            <Link
              href={href}
              aria-label={text}
              tabIndex={tabIndexOf(index)}
              onFocus={() => {
                onFocusOf(index)();
                setAt(index);
              }}
              onBlur={() => setAt(null)}
              onMouseEnter={() => setAt(index)}
            >
              <span
                className="bar-mark"
                data-tone={tone}
                data-glyph={glyph}
                style={{ blockSize: `${height * 100}%` }}
              />
            </Link>
          </li>
        ))}
      </ul>
      <p className="barcode-said figure" aria-hidden={said !== null}>
        {said ?? summaryOf(runs)}
      </p>
    </div>
  );
};
