import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { useSearchState } from '../ui/use-search.ts';
import { ChannelRows } from './channel-rows.tsx';
import { MessageList } from './message-list.tsx';
import {
  type Channel,
  messageLooks,
  messageStates,
  useChannels,
  useNotifications,
} from './read-notifications.ts';
import { RuleList } from './rule-list.tsx';

const sample = `{
  "channels": { "mail": { "smtp": { "url": "smtps://me@mail.example.org", "password_file": "mail.secret",
      "from": "stagewright@example.org", "to": ["me@example.org"] } } },
  "notify": [ { "on": ["failed", "recovered", "missed"], "to": ["mail"] } ]
}`;

const Messages = ({ channels }: { channels: readonly Channel[] }) => {
  const [search, setSearch] = useSearchState();
  const filter = { channel: search.get('channel') ?? '', state: search.get('state') ?? '' };
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useNotifications(filter);
  const messages = data?.pages.flatMap(({ items }) => items) ?? [];
  const pick = (name: 'channel' | 'state') => ({
    value: filter[name],
    onChange: ({ target }: { target: { value: string } }) => setSearch({ [name]: target.value }),
  });
  return (
    <section className="told" aria-label="Messages">
      <h2>Messages</h2>
      <search className="filters">
        <label className="filter">
          <span>Channel</span>
          <select {...pick('channel')}>
            <option value="">All</option>
            {channels.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label className="filter">
          <span>State</span>
          <select {...pick('state')}>
            <option value="">All</option>
            {messageStates.map((state) => (
              <option key={state} value={state}>
                {messageLooks[state].word}
              </option>
            ))}
          </select>
        </label>
      </search>
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the messages" />}
      {messages.length > 0 && <MessageList messages={messages} />}
      {data && messages.length === 0 && (
        <div className="empty">
          <p>
            {filter.channel || filter.state
              ? 'No message matches these filters.'
              : 'Nobody was told of anything yet.'}
          </p>
        </div>
      )}
      {hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show older messages
        </button>
      )}
    </section>
  );
};

/** Who is told of what, whether that works, and what was told. */
export const NotificationsPage = () => {
  const { data, error, refetch } = useChannels();
  return (
    <Page title="Notifications">
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the channels" />}
      {data?.items.length === 0 && (
        <div className="empty">
          <p>
            Nobody is told when something fails. Name a channel and a rule in the file of settings,
            and start the service with <code>serve --config settings.json</code>:
          </p>
          <pre>{sample}</pre>
        </div>
      )}
      {data && data.items.length > 0 && (
        <>
          <section className="told" aria-label="Channels">
            <h2>Channels</h2>
            <ChannelRows channels={data.items} />
          </section>
          <section className="told" aria-label="Rules">
            <h2>Who is told of what</h2>
            <RuleList rules={data.rules} silent={data.silent} />
          </section>
          <Messages channels={data.items} />
        </>
      )}
    </Page>
  );
};
