import type { RunView } from '../../wire/patch.ts';
import type { StageStatus } from '../../wire/status.ts';
import { StateGlyph } from '../ui/state-mark.tsx';
import { lookOfStage } from '../ui/state-words.ts';
import { duration } from '../ui/time.ts';
import { Countdown, Elapsed } from '../ui/time-text.tsx';

type Props = {
  run: Pick<RunView, 'stage' | 'progress'> | null;
  stages: readonly StageStatus[];
  retryAt: string | null;
};

const shareOf = (progress: RunView['progress']): number | null =>
  progress?.total ? Math.min(1, Math.max(0, (progress.done ?? 0) / progress.total)) : null;

/** What there is to say of a stage in one short line. */
const Facts = ({
  stage,
  share,
  retryAt,
}: {
  stage: StageStatus;
  share: number | null;
  retryAt: string | null;
}) => {
  if (stage.state === 'running' && stage.started_at)
    return (
      <>
        {share !== null && <b>{Math.floor(share * 100)} % · </b>}
        <Elapsed since={stage.started_at} until={null} />
      </>
    );
  if (stage.state === 'retrying')
    return retryAt ? (
      <>
        retry in <Countdown to={retryAt} />
      </>
    ) : (
      <>waits to retry</>
    );
  const took = stage.duration_ms === null ? null : duration(stage.duration_ms);
  if (stage.state === 'pending') return <>pending</>;
  return (
    <>
      {[stage.state === 'succeeded' ? null : lookOfStage(stage.state).word, took]
        .filter(Boolean)
        .join(' · ')}
    </>
  );
};

/** The stages of a run side by side: a bar that fills, a glyph, a name, a time. */
export const StageStrip = ({ run, stages, retryAt }: Props) => (
  <ol className="strip">
    {stages.map((stage) => {
      const look = lookOfStage(stage.state);
      const progress = stage.name === run?.stage ? run.progress : (stage.progress ?? null);
      const share = run && stage.state === 'running' ? shareOf(progress) : null;
      return (
        <li
          key={stage.name}
          data-tone={look.tone}
          data-state={stage.state}
          data-group={stage.group}
          title={stage.group && `beside others, in ${stage.group}`}
        >
          <span className="strip-bar">
            {share !== null && <span style={{ inlineSize: `${share * 100}%` }} />}
          </span>
          <span className="strip-name">
            <StateGlyph look={look} />
            <span>{stage.name}</span>
            <span className="visually-hidden">
              , {look.word}
              {stage.group && `, beside others in ${stage.group}`}
            </span>
            {stage.attempt > 1 && (
              <small>
                <span className="visually-hidden">, attempt </span>
                {stage.attempt}/{stage.max_attempts}
              </small>
            )}
          </span>
          <span className="strip-facts figure">
            {/* Of several that wait, each has an instant of its own. */}
            <Facts stage={stage} share={share} retryAt={stage.group ? null : retryAt} />
          </span>
        </li>
      );
    })}
  </ol>
);
