import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useLive } from '../live/use-live.ts';
import { useSeconds } from '../live/use-seconds.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { StateGlyph } from '../ui/state-mark.tsx';
import type { StateLook } from '../ui/state-words.ts';
import { clockTime, duration } from '../ui/time.ts';
import { At } from '../ui/time-text.tsx';
import { useHealth } from './read-health.ts';

const looks: Record<string, StateLook> = {
  ok: { tone: 'ok', glyph: 'done', word: 'Well' },
  degraded: { tone: 'wait', glyph: 'asking', word: 'Degraded' },
  starting: { tone: 'run', glyph: 'running', word: 'Starting' },
  draining: { tone: 'stop', glyph: 'stopped', word: 'Draining' },
};
const unknown: StateLook = { tone: 'bad', glyph: 'failed', word: 'No answer' };
const lookOf = (status: string | undefined): StateLook =>
  status === undefined ? unknown : (looks[status] ?? { ...unknown, word: status });

const Card = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="sheet" aria-label={title}>
    <h2>{title}</h2>
    {children}
  </section>
);

const Checks = () => {
  const { data, error, refetch } = useHealth();
  return (
    <Card title="Checks">
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the checks" />}
      <ul className="checks">
        {Object.entries(data?.checks ?? {}).map(([name, { status, detail, since }]) => (
          <li key={name}>
            <StateGlyph look={lookOf(status)} size={18} />
            <p>
              <b>{name.replaceAll('_', ' ')}</b>
              <span className="visually-hidden">: {lookOf(status).word}. </span>
            </p>
            <p className="muted">
              {detail}
              {status !== 'ok' && since && (
                <>
                  , since <At iso={since} />
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
};

const Connection = () => {
  const connection = useLive((live) => live.connection);
  const stream = useLive((live) => live.stream);
  const skewMs = useLive((live) => live.skewMs);
  const version = useLive((live) => live.serverVersion);
  const now = useSeconds();
  const facts: [string, ReactNode][] = [
    ['Stream', connection.state],
    [
      'Last heard',
      connection.lastAt === null
        ? 'not yet'
        : `${clockTime(connection.lastAt)}, ${duration(Math.max(0, now - connection.lastAt))} ago`,
    ],
    ['Journal read up to', stream ? <code key="seq">{stream.as_of_seq}</code> : 'nothing'],
    [
      "Service's clock",
      Math.abs(skewMs) < 1000
        ? 'agrees with this machine'
        : `${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine`,
    ],
    ['Version', version ?? 'unknown'],
    ['This page', <code key="build">{__UI_BUILD__}</code>],
  ];
  return (
    <Card title="This connection">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
};

const documents = [
  ['/docs/', 'REST, to read and try'],
  ['/docs/sockets.html', 'The sockets'],
  ['/openapi.json', 'OpenAPI 3.1'],
  ['/asyncapi.json', 'AsyncAPI 3'],
  ['/licences/javascript.md', 'Licences of what this page is built of'],
] as const;

/** Only what answers is offered: a version without metrics has no link to them. */
const Metrics = () => {
  const { data } = useQuery({
    queryKey: ['has-metrics'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () =>
      (await fetch('/openapi.json')).json() as Promise<{ paths: Record<string, unknown> }>,
  });
  if (!data?.paths['/metrics']) return null;
  return (
    <li>
      <a href="/metrics">Metrics</a> <code className="muted">/metrics</code>
    </li>
  );
};

const Documents = () => (
  <Card title="Documents">
    <ul className="documents">
      {documents.map(([href, label]) => (
        <li key={href}>
          <a href={href}>{label}</a> <code className="muted">{href}</code>
        </li>
      ))}
      <Metrics />
    </ul>
  </Card>
);

/**
 * Whether the service is well, each part asked for by itself: one that does not answer breaks
 * nothing beside it.
 */
export const HealthPage = () => {
  const { data, error } = useHealth();
  const look = error ? unknown : data ? lookOf(data.status) : null;
  return (
    <Page
      title="Health"
      aside={
        look && (
          <p className="state health-word" data-tone={look.tone}>
            <StateGlyph look={look} size={20} />
            {look.word}
          </p>
        )
      }
    >
      <div className="sheets">
        <Checks />
        <Connection />
        <Documents />
      </div>
      <p className="muted hint">
        <Icon name="health" /> Asked again every 15 seconds. For machines: <code>/healthz</code>,{' '}
        <code>/readyz</code>.
      </p>
    </Page>
  );
};
