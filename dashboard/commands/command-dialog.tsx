import { type FormEvent, useState } from 'react';
import { useLive } from '../live/use-live.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { maxReason, wordsOf } from './command-words.ts';
import { type Target, useSendCommand } from './use-command.ts';

/**
 * Asks once more before something that cannot be taken back, and for the reason that is recorded
 * with it.
 */
export const CommandDialog = ({
  run,
  type,
  onClose,
}: {
  run: Target;
  type: string;
  onClose: () => void;
}) => {
  const { label, icon, does, isDanger, needsReason } = wordsOf(type);
  const send = useSendCommand();
  // The page behind goes on: what is confirmed is the run as it shows it now.
  const version = useLive(
    ({ stream }) => stream?.runs[run.run_id as string]?.version ?? run.version,
  );
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    send({ ...run, version }, type, { reason }).then(onClose, (refusal: unknown) => {
      setError(refusal);
      setBusy(false);
    });
  };
  return (
    <Dialog title={`${label}: ${run.pipeline}, run ${run.number}`} onClose={onClose}>
      <form onSubmit={submit} className="form">
        <p className="muted">{does}</p>
        <label className="field">
          <span>Reason {needsReason ? '' : <span className="muted">(optional)</span>}</span>
          <input
            type="text"
            value={reason}
            required={needsReason}
            maxLength={maxReason}
            autoComplete="off"
            data-first
            onChange={({ target }) => setReason(target.value)}
          />
        </label>
        {error !== null && <ProblemCard error={error} />}
        <footer className="dialog-foot">
          <button type="button" className="button quiet" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={isDanger ? 'button danger' : 'button primary'}
            disabled={isBusy}
          >
            <Icon name={icon} />
            {label}
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
