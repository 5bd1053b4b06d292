import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api } from '../service-api.ts';
import { Loading } from '../ui/loading.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { StateGlyph } from '../ui/state-mark.tsx';
import { plural } from '../ui/state-words.ts';
import { zoned } from '../ui/time.ts';
import { Why } from '../ui/why.tsx';
import { ZonedTime } from '../ui/zoned-time.tsx';
import type { Schedule } from '../use-reads.ts';
import { lookOfDecision } from './schedule-words.ts';

type Decision = Schedule['last'][number];
const shownDecisions = 10;
const listed = 50;

/** `missed`, or `20 slots missed` where one record stands for many. */
const wordOf = ({ decision, count }: Decision): string => {
  const { word } = lookOfDecision(decision);
  return count === 1 ? word : `${plural(count, 'slot')} ${word}`;
};

const All = ({ id, zone }: { id: string; zone: string }) => {
  const { data, error } = useQuery({
    queryKey: ['schedules', 'slots', id],
    queryFn: () =>
      api.ask('GET /api/schedules/{id}/slots', { path: { id }, query: { limit: listed } }),
  });
  if (error) return <ProblemCard error={error} />;
  if (!data) return <Loading what="the slots" />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section className="slots" aria-label={`Slots of ${id}`} tabIndex={0}>
      <ol>
        {data.items.map((slot) => (
          <li key={slot.slot}>
            <StateGlyph look={lookOfDecision(slot.decision)} />
            <div>
              <p>
                <ZonedTime iso={slot.slot} zone={zone} />
                {slot.count > 1 && (
                  <>
                    {' to '}
                    <ZonedTime iso={slot.slot_to} zone={zone} />
                  </>
                )}
              </p>
              <p className="muted">
                {wordOf(slot)}
                {slot.run_id !== null && (
                  <>
                    {', '}
                    <Link href={`/runs/${slot.run_id}`}>run {slot.run_number}</Link>
                  </>
                )}
                {slot.reason && (
                  <>
                    : <Why text={slot.reason} zone={zone} />
                  </>
                )}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
};

/**
 * Outcomes of recent slots, oldest left; the words say why, and all of them stand in a list
 * behind.
 */
export const Decisions = ({ schedule: { id, last, timezone } }: { schedule: Schedule }) => {
  const [isOpen, setOpen] = useState(false);
  const newest = last[0];
  if (!newest) return <p className="muted">No slot has been due yet.</p>;
  return (
    <>
      <ul className="decisions" aria-label="Outcomes of recent slots">
        {last
          .slice(0, shownDecisions)
          .toReversed()
          .map((slot) => {
            const look = lookOfDecision(slot.decision);
            const run = slot.run_number === null ? '' : `, run ${slot.run_number}`;
            const text = `${zoned(Date.parse(slot.slot), timezone)}: ${wordOf(slot)}${run}${slot.reason ? `, ${slot.reason}` : ''}`;
            const glyph = <StateGlyph look={look} />;
            return (
              <li key={slot.slot} title={text}>
                {slot.run_id === null ? glyph : <Link href={`/runs/${slot.run_id}`}>{glyph}</Link>}
                <span className="visually-hidden">{text}</span>
              </li>
            );
          })}
      </ul>
      <p className="muted">
        Last: {wordOf(newest)}
        {newest.reason && (
          <>
            , <Why text={newest.reason} zone={timezone} />
          </>
        )}
      </p>
      <details className="more" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>Every slot, with its reason</summary>
        {isOpen && <All id={id} zone={timezone} />}
      </details>
    </>
  );
};
