import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { shownRun } from '../../client/run-state.ts';
import type { RunView } from '../../wire/patch.ts';
import { useDesk } from '../desk/desk.tsx';
import { useHealth } from '../health/read-health.ts';
import { useLive } from '../live/use-live.ts';
import { useOffline } from '../live/use-offline.ts';
import { api } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { StateGlyph } from '../ui/state-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { At } from '../ui/time-text.tsx';
import { Why } from '../ui/why.tsx';
import type { PipelineFacts } from '../use-reads.ts';
import { HeldBack } from './held-back.tsx';

type Problem = { file: string; line: number | null; pointer: string; code: string; detail: string };

const Item = ({
  mark,
  title,
  detail,
  action,
}: {
  mark: ReactNode;
  title: ReactNode;
  detail: ReactNode;
  action: ReactNode;
}) => (
  <li className="attention-item">
    {mark}
    <div>
      <p className="attention-title">{title}</p>
      <p className="attention-detail">{detail}</p>
    </div>
    <div className="attention-do">{action}</div>
  </li>
);

const FailedRun = ({ run, title }: { run: RunView; title: string }) => {
  const { say } = useDesk();
  const offline = useOffline();
  // The run stays in the history; what goes is the demand to look at it.
  const acknowledge = (): void => {
    api
      .ask('POST /api/pipeline/reset', { query: { pipeline: run.pipeline }, body: {} })
      .then(() =>
        say({
          tone: 'ok',
          title: `${title} now shows as idle`,
          detail: `Run ${run.number} stays in the history.`,
        }),
      )
      .catch((error: unknown) => say({ tone: 'bad', title: 'Acknowledge', error }));
  };
  return (
    <Item
      mark={<StateGlyph look={lookOfRun(run)} size={20} />}
      title={
        <>
          <Link href={`/runs/${run.run_id}`}>
            {title} failed{run.error?.stage ? ` in ${run.error.stage}` : ''}
          </Link>
          {run.ended_at && (
            <span className="muted">
              {' '}
              <At iso={run.ended_at} as="relative" />
            </span>
          )}
        </>
      }
      detail={run.error?.message ?? run.why}
      action={
        <button
          type="button"
          className="button quiet"
          disabled={offline !== null}
          title={offline ?? undefined}
          onClick={acknowledge}
        >
          <Icon name="check" />
          Acknowledge
        </button>
      }
    />
  );
};

/** What somebody should look at, worst first; nothing at all when all is well. */
export const Attention = ({
  pipelines,
  problems,
}: {
  pipelines: readonly PipelineFacts[];
  problems: readonly Problem[];
}) => {
  const stream = useLive((live) => live.stream);
  const { data: health } = useHealth();
  const failed = pipelines.flatMap(({ name, title }) => {
    const run = stream && shownRun(stream, name);
    return run?.state === 'FAILED' ? [{ run, title }] : [];
  });
  // The files speak for themselves below.
  const isSaid = (name: string): boolean => name === 'pipelines' && problems.length > 0;
  const ill = Object.entries(health?.checks ?? {}).filter(
    ([name, { status }]) => status !== 'ok' && !isSaid(name),
  );
  const held = pipelines.filter(({ policy }) => policy?.blocked);
  const files = Map.groupBy(problems, ({ file }) => file);
  if (failed.length + held.length + problems.length + ill.length === 0) return null;
  const warning = <Icon name="warning" size={20} />;
  return (
    <section aria-labelledby="attention-title" className="attention">
      <h2 id="attention-title" className="visually-hidden">
        Needs attention
      </h2>
      <ul>
        {failed.map(({ run, title }) => (
          <FailedRun key={run.run_id} run={run} title={title} />
        ))}
        {held.map(({ name, title, policy }) => (
          <Item
            key={name}
            mark={warning}
            title={`${title}: ${policy?.blocks === 'all' ? 'runs' : 'automatic runs'} are held back`}
            detail={policy?.reason && <Why text={policy.reason} />}
            action={<HeldBack pipeline={name} title={title} />}
          />
        ))}
        {ill.map(([name, { detail }]) => (
          <Item
            key={name}
            mark={warning}
            title={`Service: ${name.replaceAll('_', ' ')} is not well`}
            detail={detail}
            action={
              <Link href="/health" className="button quiet">
                Health
              </Link>
            }
          />
        ))}
        {[...files].map(([file, found]) => (
          <Item
            key={file}
            mark={warning}
            title={`${file} is invalid`}
            detail={
              <Why
                text={found
                  .map(({ line, detail }) => `${line === null ? '' : `line ${line}: `}${detail}`)
                  .join(' · ')}
              />
            }
            action={
              <Link href="/pipelines" className="button quiet">
                Pipelines
              </Link>
            }
          />
        ))}
      </ul>
    </section>
  );
};
