import { type FormEvent, useState } from 'react';
import type { Operations } from '../../client/operations.ts';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { plural } from '../ui/state-words.ts';
import { zoneName } from '../ui/time.ts';
import { Why } from '../ui/why.tsx';
import { ZonedTime } from '../ui/zoned-time.tsx';
import type { Schedule } from '../use-reads.ts';
import { faultsOf } from './draft.ts';

type Answer = Operations['POST /api/schedules/{id}/backfills']['answer'];

const Plan = ({ plan, zone }: { plan: Answer; zone: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
  <section className="preview slots" aria-label="What would run" tabIndex={0}>
    <p>
      {plural(plan.counts.would_run ?? 0, 'slot')} would run, one after the other;{' '}
      {plan.counts.left_out ?? 0} left out.
    </p>
    <ol>
      {plan.slots?.map(({ slot, why }) => (
        <li key={slot}>
          <ZonedTime iso={slot} zone={zone} />
          {why !== null && (
            <span className="muted">
              left out: <Why text={why} zone={zone} />
            </span>
          )}
        </li>
      ))}
    </ol>
  </section>
);

/**
 * Runs what was due in a window of the past. First it says what would run; only what was seen is
 * started.
 */
export const BackfillDialog = ({
  schedule,
  onClose,
}: {
  schedule: Schedule;
  onClose: () => void;
}) => {
  const { say } = useDesk();
  const offline = useOffline();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [again, setAgain] = useState(false);
  const [plan, setPlan] = useState<Answer | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const { id, timezone } = schedule;
  const faults = faultsOf(error);
  const isPlaced = Object.keys(faults).some((name) => name === 'from' || name === 'to');
  const runs = plan?.counts.would_run ?? 0;
  const change = (set: () => void): void => {
    set();
    setPlan(null);
    setError(null);
  };
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    // A field without a zone is read on the reader's clocks.
    const body = {
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      again,
      dry_run: plan === null,
    };
    try {
      const answer = await api.ask('POST /api/schedules/{id}/backfills', { path: { id }, body });
      setBusy(false);
      if (body.dry_run) return setPlan(answer);
      await queries.invalidateQueries({ queryKey: ['schedules'] });
      say({
        tone: 'ok',
        title: `Backfill of ${id} started`,
        detail: `${plural(runs, 'slot')}, one after the other.`,
      });
      onClose();
    } catch (refusal) {
      setError(refusal);
      setBusy(false);
    }
  };
  const yours = zoneName(Date.now());
  return (
    <Dialog title={`Backfill of schedule ${id}`} onClose={onClose} className="wide">
      <form className="form" onSubmit={send}>
        <p className="muted">
          Runs the slots of a window in the past, oldest first. Nothing starts before you have seen
          which.
        </p>
        <div className="fields">
          <Field label={`From (your clocks, ${yours})`} error={faults.from}>
            {(control) => (
              <input
                {...control}
                type="datetime-local"
                data-first
                required
                value={from}
                onChange={({ target }) => change(() => setFrom(target.value))}
              />
            )}
          </Field>
          <Field label={`To (your clocks, ${yours})`} error={faults.to}>
            {(control) => (
              <input
                {...control}
                type="datetime-local"
                required
                value={to}
                onChange={({ target }) => change(() => setTo(target.value))}
              />
            )}
          </Field>
        </div>
        <label className="field field-check">
          <input
            type="checkbox"
            checked={again}
            onChange={({ target }) => change(() => setAgain(target.checked))}
          />
          <span>Include slots that already succeeded</span>
        </label>
        {plan && <Plan plan={plan} zone={timezone} />}
        {error !== null && !isPlaced && <ProblemCard error={error} />}
        {offline && <p className="field-error">{offline}</p>}
        <footer className="dialog-foot">
          <button type="button" className="button quiet" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={isBusy || offline !== null || (plan !== null && runs === 0)}
          >
            {plan === null ? 'Show what would run' : `Run ${plural(runs, 'slot')}`}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
