import { useState } from 'react';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { StateMark } from '../ui/state-mark.tsx';
import { plural } from '../ui/state-words.ts';
import { duration } from '../ui/time.ts';
import { At } from '../ui/time-text.tsx';
import { type Channel, channelLooks } from './read-notifications.ts';

/** Delivers a message of its own, and says here what was answered. */
const Test = ({ name }: { name: string }) => {
  const { say } = useDesk();
  const offline = useOffline();
  const [isAsking, setAsking] = useState(false);
  const test = (): void => {
    setAsking(true);
    api
      .ask('POST /api/notifications/test', { body: { channel: name } })
      .then(({ delivered, answer, duration_ms }) =>
        say({
          tone: delivered ? 'ok' : 'bad',
          title: `${name}: ${delivered ? 'delivered' : 'not delivered'} after ${duration(duration_ms)}`,
          detail: answer,
        }),
      )
      .catch((error: unknown) => say({ tone: 'bad', title: name, error }))
      .finally(() => {
        setAsking(false);
        void queries.invalidateQueries({ queryKey: ['channels'] });
      });
  };
  return (
    <button
      type="button"
      className="button"
      aria-label={`Test ${name}`}
      disabled={offline !== null || isAsking}
      title={offline ?? undefined}
      onClick={test}
    >
      <Icon name="turn" />
      {isAsking ? 'Asking…' : 'Test'}
    </button>
  );
};

const Condition = ({ channel }: { channel: Channel }) => {
  const { waiting, waiting_since, failure, last } = channel;
  return (
    <p className="muted">
      {failure !== null && <span className="field-error">{failure}. </span>}
      {waiting > 0 && waiting_since !== null && (
        <>
          {plural(waiting, 'message')} waiting, the oldest since <At iso={waiting_since} />.{' '}
        </>
      )}
      {last !== null && (
        <>
          Last: {last.state === 'delivered' ? 'delivered' : 'given up'}{' '}
          <At iso={last.at} as="relative" />.
        </>
      )}
      {last === null && waiting === 0 && 'Nothing was told here yet.'}
    </p>
  );
};

/** Where messages go, and whether they arrive. */
export const ChannelRows = ({ channels }: { channels: readonly Channel[] }) => (
  <ul className="channel-rows">
    {channels.map((channel) => (
      <li key={channel.name}>
        <div>
          <h3>
            {channel.name} <span className="muted">{channel.kind}</span>
          </h3>
          <p className="muted">{channel.target}</p>
        </div>
        <div>
          <StateMark look={channelLooks[channel.state]} />
          <Condition channel={channel} />
        </div>
        <Test name={channel.name} />
      </li>
    ))}
  </ul>
);
