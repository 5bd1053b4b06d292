import { useQuery } from '@tanstack/react-query';
import type { Operations } from '../../client/operations.ts';
import { api } from '../service-api.ts';
import { duration } from '../ui/time.ts';
import { Why } from '../ui/why.tsx';
import { ZonedTime } from '../ui/zoned-time.tsx';
import { predictionWord } from './schedule-words.ts';

export type Asked = Operations['POST /api/schedules/preview']['body'];
type Answer = Operations['POST /api/schedules/preview']['answer'];
const shownSlots = 6;

/**
 * When the draft would be due: answered by the planner that fires it, with what the clock changes
 * and runs do to it.
 */
export const usePreview = (asked: Asked, isAsked: boolean) =>
  useQuery({
    queryKey: ['schedules', 'preview', asked],
    queryFn: () =>
      api.ask('POST /api/schedules/preview', { body: { ...asked, count: shownSlots } }),
    enabled: isAsked,
    placeholderData: (before) => before,
  });

export const Preview = ({ answer }: { answer: Answer }) => (
  <section aria-label="Next times" className="preview" aria-live="polite">
    <p className="muted">
      Next, in {answer.timezone}
      {answer.usual_duration_ms !== null &&
        `; a run usually takes ${duration(answer.usual_duration_ms)}`}
    </p>
    <ol>
      {answer.slots.map(({ slot, predicted, why, notes }) => (
        <li key={slot}>
          <ZonedTime iso={slot} zone={answer.timezone} />
          {predicted !== 'start' && <span className="muted">{predictionWord(predicted)}</span>}
          {[why, ...notes]
            .filter((note) => note !== null)
            .map((note) => (
              <span key={note} className="muted">
                <Why text={note} zone={answer.timezone} />
              </span>
            ))}
        </li>
      ))}
    </ol>
    {answer.warnings.map((warning) => (
      <p key={warning} className="field-error">
        <Why text={warning} zone={answer.timezone} />
      </p>
    ))}
  </section>
);
