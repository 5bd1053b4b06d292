import { useState } from 'react';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import type { Schedule } from '../use-reads.ts';

/** Asks once more: a schedule that is gone starts nothing, and does not come back by itself. */
export const DeleteDialog = ({
  schedule,
  onClose,
}: {
  schedule: Schedule;
  onClose: () => void;
}) => {
  const { say } = useDesk();
  const offline = useOffline();
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const { id, pipeline, version } = schedule;
  const remove = (): void => {
    setBusy(true);
    api
      .ask('DELETE /api/schedules/{id}', { path: { id }, headers: { 'If-Match': `"${version}"` } })
      .then(() => queries.invalidateQueries({ queryKey: ['schedules'] }))
      .then(
        () => {
          say({ tone: 'ok', title: `Schedule ${id} deleted` });
          onClose();
        },
        (refusal: unknown) => {
          setError(refusal);
          setBusy(false);
        },
      );
  };
  return (
    <Dialog title={`Delete schedule ${id}?`} onClose={onClose}>
      <div className="form">
        <p>
          It starts no more runs of <b>{pipeline}</b>. Runs that it started stay, one that is live
          goes on. To stop it for a while, switch it off instead.
        </p>
        {error !== null && <ProblemCard error={error} />}
        {offline && <p className="field-error">{offline}</p>}
        <footer className="dialog-foot">
          <button type="button" className="button quiet" data-first onClick={onClose}>
            Keep it
          </button>
          <button
            type="button"
            className="button danger"
            disabled={isBusy || offline !== null}
            onClick={remove}
          >
            Delete
          </button>
        </footer>
      </div>
    </Dialog>
  );
};
