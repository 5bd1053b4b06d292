import { useQuery } from '@tanstack/react-query';
import type { Operations } from '../../client/operations.ts';
import { api } from '../api.ts';
import { ProblemCard } from '../ui/problem.tsx';
import { duration } from '../ui/time.ts';
import { Why } from '../ui/why.tsx';
import { predictionWord } from './words.ts';

export type Draft = Pick<Operations['POST /api/schedules/preview']['body'], 'cron' | 'timezone' | 'overlap' | 'missed'>;
const shownSlots = 6;
/** `2026-11-24T17:30:00-06:00` as people write it; the distance from UTC stays, it is what a clock change changes. */
const localText = (local: string): string => local.replace(/T(\d\d:\d\d)(:00)?(:\d\d)?/, ' $1$3 ');

/** When the draft would be due: answered by the planner that fires it, with what the clock changes and runs do to it. */
export const Preview = ({ id, draft }: { id: string; draft: Draft }) => {
  const { data, error } = useQuery({
    queryKey: ['schedules', 'preview', id, draft],
    queryFn: () => api.ask('POST /api/schedules/preview', { body: { id, ...draft, count: shownSlots } }),
    placeholderData: (before) => before,
  });
  if (error) return <ProblemCard error={error} />;
  if (!data) return null;
  return (
    <section aria-label="Next times" className="preview" aria-live="polite">
      <p className="muted">
        Next, in {data.timezone}
        {data.usual_duration_ms !== null && `; a run usually takes ${duration(data.usual_duration_ms)}`}
      </p>
      <ol>
        {data.slots.map(({ slot, local, predicted, why, notes }) => (
          <li key={slot}>
            <time dateTime={slot} className="figure">
              {localText(local)}
            </time>
            {predicted !== 'start' && <span className="muted">{predictionWord(predicted)}</span>}
            {[why, ...notes]
              .filter((note) => note !== null)
              .map((note) => (
                <span key={note} className="muted">
                  <Why text={note} />
                </span>
              ))}
          </li>
        ))}
      </ol>
      {data.warnings.map((warning) => (
        <p key={warning} className="field-error">
          <Why text={warning} />
        </p>
      ))}
    </section>
  );
};
