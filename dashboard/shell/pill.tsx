import { useLive, useLiveStore } from '../live/use-live.ts';
import { useSeconds } from '../live/use-seconds.ts';
import { connectionWord } from '../ui/connection-words.ts';

/**
 * The seconds to the next try, drawn but not read out: a countdown in a live region would never be
 * silent.
 */
const NextTry = ({ at }: { at: number }) => {
  const now = useSeconds();
  return <span aria-hidden="true">next try in {Math.max(0, Math.ceil((at - now) / 1000))} s</span>;
};

/** Whether what is shown is true now. One for the whole application. */
export const Pill = () => {
  const connection = useLive((live) => live.connection);
  const store = useLiveStore();
  const { state } = connection;
  const isBroken = state === 'reconnecting' || state === 'offline';
  return (
    <span className="pill" data-state={state}>
      <span className="pill-dot" aria-hidden="true" />
      <span role="status">{connectionWord(connection)}</span>
      {isBroken && connection.retryAt !== null && <NextTry at={connection.retryAt} />}
      {isBroken && (
        <button type="button" className="pill-button" onClick={store.retry}>
          Retry now
        </button>
      )}
    </span>
  );
};
