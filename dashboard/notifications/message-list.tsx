import { Link } from 'wouter';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { StateMark } from '../ui/state-mark.tsx';
import { plural } from '../ui/state-words.ts';
import { At } from '../ui/time-text.tsx';
import { messageLooks, type Notification } from './read-notifications.ts';

const Retry = ({ id, subject }: Notification) => {
  const { say } = useDesk();
  const offline = useOffline();
  const retry = (): void => {
    api
      .ask('POST /api/notifications/{id}/retry', { path: { id }, body: {} })
      .then(() => say({ tone: 'ok', title: subject, detail: 'It is tried again now.' }))
      .catch((error: unknown) => say({ tone: 'bad', title: subject, error }))
      .finally(() => void queries.invalidateQueries({ queryKey: ['notifications'] }));
  };
  return (
    <button
      type="button"
      className="button quiet"
      aria-label={`Retry now: ${subject}`}
      disabled={offline !== null}
      title={offline ?? undefined}
      onClick={retry}
    >
      <Icon name="retry" />
      Retry now
    </button>
  );
};

const Attempts = ({ attempts, answer, state, due_at, last_at }: Notification) => (
  <p className="muted">
    {attempts === 0 ? 'Not tried yet' : plural(attempts, 'attempt')}
    {answer !== null && `, ${answer}`}
    {last_at !== null && (
      <>
        , <At iso={last_at} />
      </>
    )}
    {state === 'waiting' && due_at !== null && (
      <>
        ; due <At iso={due_at} />
      </>
    )}
    .
  </p>
);

/** What was told, what waits, and what the receivers said. */
export const MessageList = ({ messages }: { messages: readonly Notification[] }) => (
  <ul className="message-rows">
    {messages.map((message) => (
      <li key={message.id}>
        <div>
          <p>
            <Link href={message.path}>{message.subject}</Link>
          </p>
          <p className="muted">
            {message.cause} to {message.channel}, <At iso={message.at} />
          </p>
        </div>
        <div>
          <StateMark look={messageLooks[message.state]} />
          <Attempts {...message} />
        </div>
        {message.state !== 'delivered' && <Retry {...message} />}
      </li>
    ))}
  </ul>
);
