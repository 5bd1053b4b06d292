import { Link } from 'wouter';
import { eventWord, localized } from '../run/run-words.ts';
import { GuardMark } from '../ui/guard-mark.tsx';
import { clockTime, fullTime } from '../ui/time.ts';
import { askerWord, standing, wayWord } from './frame-words.ts';
import { type Inspected, type Judgement, jsonOf } from './inspected-frame.ts';
import { JsonTree } from './json-tree.tsx';
import { judgedWithValues } from './judged-values.ts';
import type { Inspection } from './use-inspection.ts';

const none: ReadonlySet<string> = new Set();

const Told = ({ frame }: { frame: Inspected }) => (
  <>
    <p className="step-event">
      <code>{eventWord(frame.event ?? '?')}</code>
      {frame.verdict !== null && (
        <strong className="step-verdict" data-verdict={frame.verdict}>
          {frame.verdict}
        </strong>
      )}
      {frame.asker && <span className="muted">{askerWord(frame.asker)}</span>}
    </p>
    {frame.why !== null && <p className="step-why">{localized(frame.why)}</p>}
  </>
);

const Judged = ({ judged }: { judged: readonly Judgement[] }) => {
  const asked = [...new Map(judged.map((one) => [`${one.guard} ${one.holds}`, one])).values()];
  return (
    <>
      <h3>Guards</h3>
      {asked.length === 0 ? (
        <p className="muted">None was asked: there was only one way.</p>
      ) : (
        <ul className="step-guards">
          {asked.map((one) => (
            <li key={`${one.guard} ${one.holds}`}>
              <GuardMark {...one} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
};

const Microsteps = ({ frames }: { frames: readonly Inspected[] }) => (
  <>
    <h3>Microsteps</h3>
    {frames.length === 0 && <p className="muted">None: nothing was taken.</p>}
    <ol className="step-ways">
      {frames.map(({ key, ways }) => (
        <li key={key}>
          {ways.length === 0 && <span className="muted">no transition</span>}
          {ways.map((way) => (
            <p key={`${way.from} ${way.to.join()} ${way.guard}`}>
              {wayWord(way)}
              {way.guard !== null && (
                <span className="muted">
                  {' '}
                  if <code>{way.guard}</code>
                </span>
              )}
              {way.actions.length > 0 && (
                <span className="step-actions">{way.actions.join(', ')}</span>
              )}
            </p>
          ))}
        </li>
      ))}
    </ol>
  </>
);

/** Of a run that was under way when the page began to look, only how it stood then is told. */
const Before = ({ runId }: { runId: string | null }) => (
  <p className="muted">
    So it stood when this page began to look.{' '}
    {runId !== null && <Link href={`/inspect/${runId}`}>All of the run</Link>}
  </p>
);

/** A frame of another program, or one that the page does not know: as it came. */
const Alone = ({ frame }: { frame: Inspected }) => (
  <div className="step-facts">
    {frame.kind === 'unknown' && (
      <p className="outlook" data-tone="wait">
        This page does not understand the frame: its type is <code>{frame.type}</code>. It is shown
        as it came; the others are not affected.
      </p>
    )}
    <JsonTree value={jsonOf(frame)} marked={none} />
  </div>
);

/** The chosen step: what was told, what was judged, what was taken, and where it led. */
export const StepFacts = ({ inspection }: { inspection: Inspection }) => {
  const { frames, steps, step: index, chosen, actors } = inspection;
  const step = steps[index];
  const frame = frames[chosen];
  if (!step || !frame) return null;
  if (frame.kind === 'unknown' || frame.step === null) return <Alone frame={frame} />;
  const all = frames.slice(step.first, step.last + 1);
  const root = actors.find(({ runId, depth }) => runId === step.run && depth === 0)?.id;
  const told = all.find(({ kind, sessionId }) => kind === 'event' && sessionId === root);
  const stood = all.findLast(({ kind, sessionId }) => kind === 'snapshot' && sessionId === root);
  const before = frames.findLast(
    ({ sessionId, hasSnapshot }, place) => place < step.first && sessionId === root && hasSnapshot,
  );
  const judged = told
    ? [
        ...judgedWithValues(told, before),
        ...all
          .filter(({ kind }) => kind === 'microstep')
          .slice(1)
          .flatMap((one) => one.judged),
      ]
    : [];
  const begun = all.filter(({ kind, parentId }) => kind === 'actor' && parentId !== null);
  return (
    <div className="step-facts">
      <p className="muted">
        {step.n === 0 ? 'The beginning' : `Step ${step.n}`} at{' '}
        <time title={fullTime(step.at)}>{clockTime(step.at)}</time>
      </p>
      {told && <Told frame={told} />}
      {!told && <Before runId={step.run} />}
      {told && step.n > 0 && <Judged judged={judged} />}
      {told && step.n > 0 && <Microsteps frames={all.filter(({ kind }) => kind === 'microstep')} />}
      {begun.length > 0 && (
        <>
          <h3>Began</h3>
          <p>{begun.map(({ name }) => name).join(', ')}</p>
        </>
      )}
      {stood && (
        <>
          <h3>Then</h3>
          <p className="step-state">{standing(stood)}</p>
        </>
      )}
      {told && told.payload !== null && (
        <>
          <h3>Carried</h3>
          <JsonTree value={JSON.parse(told.payload)} marked={none} />
        </>
      )}
    </div>
  );
};
