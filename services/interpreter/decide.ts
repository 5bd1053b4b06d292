import { type AnyMachineSnapshot, transition } from 'xstate';
import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Cause } from '../../wire/run-answers.ts';
import { fenceOf } from '../store/fence.ts';
import type { Decision, Fence, LedgerRow, Loaded } from '../store/run-rows.ts';
import { persist, revive } from './charts.ts';
import { judged } from './judged.ts';
import type { Interpreted, Judged, Lifecycle, MachineEvent, Told, View } from './lifecycle.ts';
import { type Now, outboxOf } from './outbox.ts';

/**
 * An event on its way to a run. `fence`: whose answer it is; it counts only while that effect or
 * timer lives.
 */
export type Delivery = {
  event: MachineEvent;
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
  readonly projection: View;
  constructor(why: string, projection: View) {
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

const pathsOf = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : Object.entries(value as object).flatMap(([key, inner]) =>
        pathsOf(inner).map((path) => `${key}.${path}`),
      );
/**
 * `{running: {analyzer: 'attempting'}}` → `running.analyzer.attempting`; of states beside each other
 * each is a path.
 */
export const pathOf = (value: unknown): string => pathsOf(value).join(' ');

/**
 * One step of one run: pure, synchronous, and the only place where a run's future is decided.
 * @throws ChartFault when the machine throws, loops or meets an error it does not handle;
 * VersionMoved
 */
export const decide = (
  interpreted: Interpreted,
  loaded: Loaded,
  delivery: Delivery,
  now: Now,
): Decision => {
  const { run } = loaded;
  const { machine, lifecycle } = interpreted;
  const event: Told = { ...delivery.event, at: now.wallMs };
  if (typeof delivery.ifVersion === 'number' && delivery.ifVersion !== run.version)
    throw new VersionMoved(run.version);
  if (delivery.more) return refusedMore(lifecycle, loaded, event, delivery, now, delivery.more);
  if (delivery.fence && !isLive(loaded, delivery.fence)) return stale(loaded, event, delivery, now);

  const [before, guards, next, actions] = attempt(event, () => {
    const snapshot = revive(interpreted, run.snapshot);
    const { guards: asked, isPossible } = judged(lifecycle, snapshot, event);
    if (!isPossible || lifecycle.isUnclear(snapshot, event))
      return [snapshot, asked, null, []] as const;
    const [after, todo] = transition(machine, snapshot, event);
    if (after.status === 'error') throw after.error;
    return [snapshot, asked, after as AnyMachineSnapshot, todo] as const;
  });
  if (!next) return refused(lifecycle, loaded, before, event, delivery, now, guards);

  const [{ facts, ...outbox }, projection] = attempt(event, () => [
    outboxOf(actions, next, loaded, usedUp(delivery), now, lifecycle),
    lifecycle.viewOf(next),
  ]);
  // The one way past a process that nobody can end: its row is forgotten without proof, by name of
  // who did it.
  const given = loaded.effects
    .filter(
      (row) => row.state === 'dropping' && lifecycle.events.forgets(event, before.context, row),
    )
    .map(fenceOf);
  const rows = { ...outbox, remove: [...outbox.remove, ...given] };
  const begins = facts.some((fact) => fact.event === 'started');
  const ended = next.status === 'done';
  const freesLock = ended && isGone(lifecycle, loaded, rows);
  const moved = {
    at: now.wallMs,
    next: { snapshot: persist(machine, next), projection, ended, begins, freesLock },
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
    events: lifecycle.journal.moved(loaded, moved, delivery.cause, facts),
  };
};

/**
 * The last resort: a run whose chart cannot go on ends FAILED, whatever it was doing; its processes
 * are drained afterwards.
 */
export const condemn = (
  lifecycle: Lifecycle,
  loaded: Loaded,
  delivery: Delivery,
  failure: Failure,
  now: Now,
): Decision => {
  const { run, effects, timers } = loaded;
  const { outlives } = lifecycle.effects;
  const { view: projection, facts } = lifecycle.condemned(run, failure, now.wallMs);
  const moved = {
    ...idle,
    at: now.wallMs,
    next: {
      snapshot: run.snapshot,
      projection,
      ended: true,
      begins: false,
      freesLock: !effects.some(({ kind }) => outlives(kind)),
    },
    remove: effects.filter(({ kind }) => !outlives(kind)).map(fenceOf),
    drop: effects.filter(({ kind }) => outlives(kind)).map(fenceOf),
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
    events: lifecycle.journal.moved(loaded, moved, delivery.cause, facts),
  };
};

const idle = { remove: [], drop: [], born: [], disarm: [], arm: [] };

const attempt = <const T>(event: Told, work: () => T): T => {
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
  event: Told,
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

const stale = (loaded: Loaded, event: Told, delivery: Delivery, now: Now): Decision => {
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

/** One row for all that were refused like the one before it. */
const refusedMore = (
  { journal }: Lifecycle,
  loaded: Loaded,
  event: Told,
  delivery: Delivery,
  now: Now,
  { times, why }: { times: number; why: string },
): Decision => {
  const base = unmoved(loaded, event, delivery, now);
  return {
    ...base,
    ledger: { ...base.ledger, verdict: 'refused', why: `${why} (${times} more)` },
    events: [journal.refused(loaded, event, delivery.cause, { why, more: times })],
  };
};

const refused = (
  lifecycle: Lifecycle,
  loaded: Loaded,
  snapshot: AnyMachineSnapshot,
  event: Told,
  delivery: Delivery,
  now: Now,
  guards: Judged[],
): Decision => {
  const base = unmoved(loaded, event, delivery, now);
  const { projection } = loaded.run;
  const why = lifecycle.whyNot(snapshot, event, projection, guards);
  if (delivery.isKnown?.(loaded.run.version, why)) throw new RefusedAgain(why, projection);
  const fact = lifecycle.journal.refused(loaded, event, delivery.cause, { why });
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

/** No attempt of the run is left, so no process of it can be: only then its lock may go (T1, I13). */
const isGone = (
  { effects: { outlives } }: Lifecycle,
  { effects }: Loaded,
  { remove, born }: Pick<Decision, 'remove' | 'born'>,
): boolean => {
  const left = effects.filter(
    (effect) => !remove.some(({ id, stamp }) => id === effect.id && stamp === effect.stamp),
  );
  return ![...left, ...born].some(({ kind }) => outlives(kind));
};
