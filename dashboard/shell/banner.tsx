import { useLive } from '../live/use-live.ts';
import { useSeconds } from '../live/use-seconds.ts';
import { moment } from '../ui/time.ts';

/** What keeps the whole page from being true, with what to do about it. */
export const Banner = () => {
  const connection = useLive((live) => live.connection);
  const uiBuild = useLive((live) => live.uiBuild);
  const now = useSeconds(connection.state === 'offline');
  const isOld = uiBuild !== null && uiBuild !== __UI_BUILD__;
  if (connection.state === 'offline') {
    const last =
      connection.lastAt === null
        ? 'No data yet.'
        : `What you see is of ${moment(connection.lastAt, now)}.`;
    return (
      <div className="banner" data-tone="bad" role="alert">
        <strong>
          {navigator.onLine
            ? `The service is not responding at ${location.host}.`
            : 'This machine has no network.'}{' '}
          {last}
        </strong>
        <span>
          {navigator.onLine && (
            <>
              Start it with <code>npm start</code> or <code>stagewright serve</code>.{' '}
            </>
          )}
          This page will reconnect automatically.
        </span>
      </div>
    );
  }
  if (connection.state === 'refused')
    return (
      <div className="banner" data-tone="bad" role="alert">
        <strong>
          The service refused the stream: {connection.reason || `code ${connection.code}`}.
        </strong>
        <button type="button" className="button" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    );
  if (!isOld) return null;
  return (
    <div className="banner" data-tone="wait" role="alert">
      <strong>A new version of the dashboard is available.</strong>
      <button type="button" className="button" onClick={() => location.reload()}>
        Reload
      </button>
    </div>
  );
};
