import type { NewEvent } from '../../wire/events.ts';
import { patchOf, type StatusPatch } from '../../wire/patch.ts';
import type { Lifecycle, Moved } from '../interpreter/lifecycle.ts';
import type { Loaded } from '../store/run-rows.ts';
import { viewOf } from '../store/run-view.ts';

/**
 * How the public view of the run changes: with it, whoever follows the events knows the status
 * without asking.
 */
const patchAfter = ({ run, effects }: Loaded, { at, next, remove, born }: Moved): StatusPatch => {
  const { projection, ended, begins } = next;
  const left = effects.filter(
    (effect) => !remove.some(({ id, stamp }) => id === effect.id && stamp === effect.stamp),
  );
  // As the store judges it: the lock of an ended run waits for processes that may live.
  const isFree = ended && ![...left, ...born].some(({ kind }) => kind === 'stage');
  const moved = { projection, version: run.version + 1, updatedAt: at, endedAt: ended ? at : null };
  const after = {
    ...run,
    ...moved,
    lock: isFree ? null : run.lock,
    progress: begins ? null : run.progress,
  };
  // A queued run holds no lock: the place it was given is news, too.
  const before = run.projection.state === 'QUEUED' ? { ...run, lock: null } : run;
  return patchOf(run.version === 0 ? null : viewOf(before), viewOf(after));
};

/**
 * What a step has to say: that the run was accepted, always first, what the chart said, its end,
 * and how its public view changed, always last.
 */
const moved: Lifecycle['journal']['moved'] = (loaded, step, cause, ofChart) => {
  const { run } = loaded;
  const { next } = step;
  const to = next.projection;
  const patch = patchAfter(loaded, step);
  const facts: NewEvent[] = [];
  const say = (
    event: NewEvent['event'],
    severity: NewEvent['severity'],
    msg: string,
    data: Record<string, unknown>,
  ) => facts.push({ stage: 'pipeline', event, severity, msg, data });
  if (run.version === 0)
    say('accepted', 'info', `run ${run.number} of ${run.pipeline} accepted`, {
      number: run.number,
      trigger: run.trigger,
      by: cause.actor ?? null,
      reason: run.reason,
      params: run.params,
      only_stage: run.onlyStage,
    });
  facts.push(...ofChart);
  if (next.ended) {
    const word = to.state === 'DONE' ? 'succeeded' : to.state === 'FAILED' ? 'failed' : 'stopped';
    const severity = word === 'failed' ? 'error' : 'info';
    // The sentence of a stopped run says so itself.
    say(word, severity, `run ${run.number} ${word === 'stopped' ? '' : `${word}: `}${to.why}`, {
      outcome: to.outcome,
      error: to.error,
      duration_ms: to.duration_ms,
    });
  }
  const from = run.version === 0 ? 'IDLE' : run.projection.state;
  const data = {
    from,
    to: to.state,
    canonical: to.canonical,
    version: run.version + 1,
    cause,
    patch,
  };
  if (from !== to.state) say('state_change', 'info', `${from} → ${to.state}`, data);
  else say('why_change', 'debug', to.why, data);
  return facts;
};

const refused: Lifecycle['journal']['refused'] = ({ run }, event, cause, { why, more }) => ({
  stage: 'pipeline',
  event: 'refused',
  severity: 'warning',
  msg: `${event.type} refused${more === undefined ? '' : `, ${more} more`}: ${why}`,
  data: {
    command: event.type,
    why,
    by: cause.actor ?? null,
    reason: 'reason' in event ? event.reason : null,
    allowed: run.projection.allowed,
    ...(more !== undefined && { more }),
  },
});

/** What the steps of a run say. */
export const runJournal: Lifecycle['journal'] = { moved, refused };
