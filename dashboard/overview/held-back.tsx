import { type FormEvent, useState } from 'react';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';

/** Forgets the failures that hold a pipeline back; what was done about them is recorded. */
export const HeldBack = ({ pipeline, title }: { pipeline: string; title: string }) => {
  const { say } = useDesk();
  const offline = useOffline();
  const [reason, setReason] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    api
      .ask('POST /api/pipelines/{name}/acknowledge', { path: { name: pipeline }, body: { reason } })
      .then(() => {
        say({ tone: 'ok', title: `${title} is no longer held back`, detail: reason });
        return queries.invalidateQueries({ queryKey: ['pipelines'] });
      })
      .catch((error: unknown) => say({ tone: 'bad', title: 'Acknowledge', error }));
  };
  return (
    <form className="held-back" onSubmit={submit}>
      <input
        type="text"
        required
        maxLength={500}
        autoComplete="off"
        aria-label={`What was done about the failures of ${title}`}
        placeholder="What was done to fix it"
        value={reason}
        onChange={({ target }) => setReason(target.value)}
      />
      <button
        type="submit"
        className="button"
        disabled={offline !== null}
        title={offline ?? undefined}
      >
        Let it go on
      </button>
    </form>
  );
};
