import { type AnyMachineSnapshot, type AnyStateMachine, transition } from 'xstate';
import type { RunEvent, SentEvent } from '../../machines/context.ts';
import type { Judged } from '../../machines/guards.ts';
import { type Projection, project } from '../../machines/project.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import { patchOf, type StatusPatch } from '../../wire/patch.ts';
import { fenceOf } from '../store/fence.ts';
import { viewOf } from '../store/run-view.ts';
import type { Cause, Decision, Fence, LedgerRow, Loaded } from '../store/store.ts';
import { persist, revive } from './charts.ts';
import { type Now, outboxOf } from './outbox.ts';
import { allowedIn, judged, whyNot } from './outlook.ts';

/**
 * An event on its way to a run. `fence`: whose answer it is; it counts only while that effect or
 * timer lives.
 */
export type Delivery = {
  event: SentEvent;
  fence: Fence | null;
  cause: Cause;
  /** Decide only if the run is still at this version. */
  ifVersion?: number | null;
  /** Was the same refusal recorded just now? Then this one is not. */
  isKnown?: (version: number, why: string) => boolean;
  /** Nothing is asked: so often was it refused again, for that reason. */
  more?: { times: number; why: string };
};

/**
 * Somebody else was faster: the run is not at the version that the caller looked at. Nothing is
 * recorded.
 */
export class VersionMoved extends Error {
  readonly version: number;
  constructor(version: number) {
    super(`the run is at version ${version}`);
    this.version = version;
  }
}

/** Refused as it was a moment ago. Nothing is recorded: the first one is, and how many follow. */
export class RefusedAgain extends Error {
  readonly why: string;
  readonly projection: Projection;
  constructor(why: string, projection: Projection) {
    super(why);
    this.why = why;
    this.projection = projection;
  }
}

/**
 * The machine threw, or ended in an error nobody handles: a bug of the chart that must not become a
 * stuck run (T3).
 */
export class ChartFault extends Error {}

const finals = ['DONE', 'FAILED', 'STOPPED'];
/** `{running: {analyzer: 'attempting'}}` → `running.analyzer.attempting` */
const pathOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .map(([key, inner]) => `${key}.${pathOf(inner)}`)
        .join(' ');

/**
 * One step of one run: pure, synchronous, and the only place where a run's future is decided.
 * @throws ChartFault when the machine throws, loops or meets an error it does not handle;
 * VersionMoved
 */
export const decide = (
  machine: AnyStateMachine,
  loaded: Loaded,
  delivery: Delivery,
  now: Now,
): Decision => {
  const { run } = loaded;
  const event = { ...delivery.event, at: now.wallMs } as RunEvent;
  if (typeof delivery.ifVersion === 'number' && delivery.ifVersion !== run.version)
    throw new VersionMoved(run.version);
  if (delivery.more) return refusedMore(loaded, event, delivery, now, delivery.more);
  if (delivery.fence && !isLive(loaded, delivery.fence)) return stale(loaded, event, delivery, now);

  const [before, guards, next, actions] = attempt(event, () => {
    const snapshot = revive(machine, run.snapshot);
    const { guards: asked, isPossible } = judged(snapshot, event);
    // XState would let the root handle an event even after the end (I1).
    if (snapshot.status !== 'active' || !isPossible) return [snapshot, asked, null, []] as const;
    const [after, todo] = transition(machine, snapshot, event);
    if (after.status === 'error') throw after.error;
    return [snapshot, asked, after as AnyMachineSnapshot, todo] as const;
  });
  if (!next) return refused(loaded, before, event, delivery, now, guards);

  const [{ facts, ...outbox }, projection] = attempt(event, () => [
    outboxOf(actions, next, loaded, usedUp(delivery), now),
    project(next, allowedIn(next)),
  ]);
  // A release is the one way past a process that nobody can end: its row is forgotten without
  // proof, by name of who did it.
  const given =
    event.type === 'RELEASE'
      ? loaded.effects.filter(({ state }) => state === 'dropping').map(fenceOf)
      : [];
  const rows = { ...outbox, remove: [...outbox.remove, ...given] };
  const begins = facts.some((fact) => fact.event === 'started');
  const moved = {
    at: now.wallMs,
    next: { snapshot: persist(machine, next), projection, ended: next.status === 'done', begins },
    ...rows,
  };
  return {
    ...moved,
    ledger: {
      version: run.version + 1,
      from: pathOf(before.value),
      to: pathOf(next.value),
      event,
      cause: delivery.cause,
      guards: answersOf(guards),
      verdict: 'accepted',
      why: null,
    },
    events: runFacts(loaded, projection, delivery.cause, facts, patchAfter(loaded, moved)),
  };
};

/**
 * The last resort: a run whose chart cannot go on ends FAILED, whatever it was doing; its processes
 * are drained afterwards.
 */
export const condemn = (
  loaded: Loaded,
  delivery: Delivery,
  failure: Failure,
  now: Now,
): Decision => {
  const { run, effects, timers } = loaded;
  const at = new Date(now.wallMs).toISOString();
  const open = run.projection.stages.find(({ state }) => state === 'running');
  const error: Failure = {
    ...failure,
    stage: run.projection.stage,
    attempt: run.projection.attempt,
  };
  const projection: Projection = {
    ...run.projection,
    state: 'FAILED',
    canonical: 'error',
    outcome: 'failed',
    allowed: [],
    why: failure.message,
    error,
    ended_at: at,
    duration_ms: run.projection.started_at
      ? now.wallMs - Date.parse(run.projection.started_at)
      : null,
    stages: run.projection.stages.map((stage) =>
      stage.state === 'running' || stage.state === 'retrying'
        ? { ...stage, state: 'failed', ended_at: at }
        : stage,
    ),
  };
  const lost: NewEvent[] = open
    ? [
        {
          stage: open.name,
          event: 'failed',
          severity: 'error',
          attempt: open.attempt,
          msg: failure.message,
          data: { error },
        },
      ]
    : [];
  const moved = {
    ...idle,
    at: now.wallMs,
    next: { snapshot: run.snapshot, projection, ended: true, begins: false },
    remove: effects.filter(({ kind }) => kind !== 'stage').map(fenceOf),
    drop: effects.filter(({ kind }) => kind === 'stage').map(fenceOf),
    disarm: timers.map(({ id, stamp }) => ({ kind: 'timer' as const, id, stamp })),
  };
  return {
    ...moved,
    ledger: {
      version: run.version + 1,
      from: pathOf((run.snapshot as { value: unknown }).value),
      to: 'failed',
      event: { ...delivery.event, at: now.wallMs },
      cause: delivery.cause,
      guards: [],
      verdict: 'accepted',
      why: failure.message,
    },
    events: runFacts(loaded, projection, delivery.cause, lost, patchAfter(loaded, moved)),
  };
};

const idle = { remove: [], drop: [], born: [], disarm: [], arm: [] };

const attempt = <const T>(event: RunEvent, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw new ChartFault(
      `${(error as { message?: unknown } | null)?.message ?? String(error)} (at ${event.type})`,
    );
  }
};

/**
 * An answer ends its effect and a firing its timer; news about an effect (INTERRUPTED,
 * HEARTBEAT_LATE) only names it.
 */
const usedUp = ({ event, fence }: Delivery): Fence | null =>
  fence?.kind === 'timer' || event.type.startsWith('xstate.') ? fence : null;

const isLive = ({ effects, timers }: Loaded, { kind, id, stamp }: Fence): boolean =>
  kind === 'effect'
    ? effects.some((row) => row.id === id && row.stamp === stamp && row.state !== 'dropping')
    : timers.some((row) => row.id === id && row.stamp === stamp);

const answersOf = (guards: Judged[]): LedgerRow['guards'] =>
  guards.map(({ guard, holds }) => ({ guard, holds }));

const unmoved = (
  loaded: Loaded,
  event: RunEvent,
  { cause }: Delivery,
  now: Now,
): Omit<Decision, 'events'> => {
  const where = pathOf((loaded.run.snapshot as { value: unknown }).value);
  const ledger = {
    version: loaded.run.version,
    from: where,
    to: where,
    event,
    cause,
    guards: [],
    verdict: 'stale' as const,
    why: null,
  };
  return { ...idle, at: now.wallMs, ledger };
};

const stale = (loaded: Loaded, event: RunEvent, delivery: Delivery, now: Now): Decision => {
  const base = unmoved(loaded, event, delivery, now);
  const { kind, id, stamp } = delivery.fence as Fence;
  const why = `${kind} ${id} of version ${stamp} is not live any more`;
  const msg = `a late ${kind === 'timer' ? 'timer' : 'answer'} changed nothing: ${why}`;
  const fact: NewEvent = {
    stage: 'system',
    event: 'stale',
    severity: 'debug',
    msg,
    data: { id, stamp, type: event.type },
  };
  return { ...base, ledger: { ...base.ledger, why }, events: [fact] };
};

const refusal = (
  { run }: Loaded,
  event: RunEvent,
  { cause }: Delivery,
  why: string,
): NewEvent & { event: 'refused' } => ({
  stage: 'pipeline',
  event: 'refused',
  severity: 'warning',
  msg: `${event.type} refused: ${why}`,
  data: {
    command: event.type,
    why,
    by: cause.actor ?? null,
    reason: 'reason' in event ? event.reason : null,
    allowed: run.projection.allowed,
  },
});

/** One row for all that were refused like the one before it. */
const refusedMore = (
  loaded: Loaded,
  event: RunEvent,
  delivery: Delivery,
  now: Now,
  { times, why }: { times: number; why: string },
): Decision => {
  const base = unmoved(loaded, event, delivery, now);
  const fact = refusal(loaded, event, delivery, why);
  return {
    ...base,
    ledger: { ...base.ledger, verdict: 'refused', why: `${why} (${times} more)` },
    events: [
      {
        ...fact,
        msg: `${event.type} refused, ${times} more: ${why}`,
        data: { ...fact.data, more: times },
      },
    ],
  };
};

const refused = (
  loaded: Loaded,
  snapshot: AnyMachineSnapshot,
  event: RunEvent,
  delivery: Delivery,
  now: Now,
  guards: Judged[],
): Decision => {
  const base = unmoved(loaded, event, delivery, now);
  const { projection } = loaded.run;
  const why = whyNot(snapshot, event, projection.state, projection.why, guards);
  if (delivery.isKnown?.(loaded.run.version, why)) throw new RefusedAgain(why, projection);
  const fact = refusal(loaded, event, delivery, why);
  // A refused answer is used up all the same, or its effect would count as live for ever.
  const used = [usedUp(delivery) ?? []].flat();
  return {
    ...base,
    ledger: { ...base.ledger, guards: answersOf(guards), verdict: 'refused', why },
    events: [fact],
    remove: used.filter(({ kind }) => kind === 'effect'),
    disarm: used.filter(({ kind }) => kind === 'timer'),
  };
};

/**
 * How the public view of the run changes: with it, whoever follows the events knows the status
 * without asking.
 */
const patchAfter = (
  { run, effects }: Loaded,
  { at, next, remove, born }: Omit<Decision, 'ledger' | 'events'>,
): StatusPatch => {
  const { projection, ended, begins } = next as NonNullable<Decision['next']>;
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
const runFacts = (
  { run }: Loaded,
  to: Projection,
  cause: Cause,
  ofChart: NewEvent[],
  patch: StatusPatch,
): NewEvent[] => {
  const facts: NewEvent[] = [];
  const ended = finals.includes(to.state);
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
  if (ended) {
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
