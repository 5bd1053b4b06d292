import type { Queued } from '../../machines/context.ts';
import type { FirstStep, PlannedStart } from '../interpreter/interpreter.ts';
import type { Conflict, Paused, RunRow } from '../store/run-rows.ts';
import type { SlotClaim, SlotRow } from '../store/slot-store.ts';
import type {
  AdmitFacts,
  NewRun,
  QueueFacts,
  StartFacts,
  StartPlan,
  StartWrites,
} from '../store/start-facts.ts';
import { judgeStart, warnedEvent } from './failure-policy.ts';
import { isOpen } from './plan-slots.ts';
import { firedEvent, notRunEvent } from './slot-events.ts';
import type { BeginRequest } from './start-request.ts';
import { refusedEvent, whyRefused } from './why-refused.ts';

/** Idempotency keys are kept this long (Q15). */
const keyLifetimeMs = 24 * 3600 * 1000;

const freePlace = ({ holders }: QueueFacts, limit: number): number | undefined =>
  Array.from({ length: limit }, (_, index) => index + 1).find(
    (place) => !holders.some((holder) => holder.place === place),
  );

/** What a run at this place of the queue waits behind. */
export const queuedAt = (
  { holders, ahead }: QueueFacts,
  index: number,
  replaces: boolean,
): Queued => {
  const run = holders.length > 0 || index > 0 ? ahead : null;
  return {
    run_id: run?.runId ?? '',
    pipeline: run?.pipeline ?? '',
    number: run?.number ?? 0,
    ahead: index,
    replaces,
  };
};

/** May the run wait? Null when it may. */
const conflictOf = (
  { waiters, ahead }: QueueFacts,
  { onConflict, queueMax }: BeginRequest['lock'],
): Conflict | null => {
  const met = { owner: ahead as RunRow, waiting: waiters.length };
  if (onConflict === 'refuse') return { code: 'already-running', ...met };
  // Whoever replaces what is live takes the place of those that wait, too.
  return onConflict === 'queue' && waiters.length >= queueMax
    ? { code: 'queue-full', ...met }
    : null;
};

const slotRow = (
  { scheduleId, backfill, slot, would }: SlotClaim,
  became: Pick<SlotRow, 'decision' | 'runId' | 'reason' | 'policy' | 'at'>,
): SlotRow => ({ scheduleId, backfill, slot, slotTo: slot, count: 1, would, ...became });

/**
 * What a slot becomes that met something; null = it goes on waiting, undecided, and leaves
 * nothing.
 */
const refusedSlot = (
  claim: SlotClaim,
  { code }: Conflict | Paused,
  why: string,
  runId: string | null,
  at: number,
): Pick<StartWrites, 'slot' | 'events'> | null => {
  const isBlocked = code === 'blocked-by-policy';
  if (isBlocked ? claim.firing !== 'due' : claim.mayWait) return null;
  const decision = isBlocked ? 'blocked' : 'skipped';
  const policy = isBlocked ? code : claim.policy;
  return {
    slot: slotRow(claim, { decision, runId: null, reason: why, policy, at }),
    events: [notRunEvent(claim, decision, why, policy, claim.would, isBlocked ? null : runId)],
  };
};

/** A refusal leaves its event, and is the decision of the slot that asked; it leaves no run (S06). */
const refuse = (request: BeginRequest, met: Conflict | Paused): StartWrites | null => {
  const { spec, slot, at } = request;
  const why = whyRefused(met, spec.definition);
  const runId = 'owner' in met ? met.owner.runId : null;
  const empty = { at, pipeline: spec.pipeline, forgetKeysBefore: null, streak: null, born: null };
  if (slot) {
    const became = refusedSlot(slot, met, why, runId, at);
    return became && { ...empty, ...became };
  }
  if (request.isRepeated?.(why, runId)) return null;
  return { ...empty, slot: null, events: [refusedEvent(spec, request.by, runId, why)] };
};

const rowOf = (request: BeginRequest, number: number, hasPlace: boolean): RunRow => {
  const { spec, at } = request;
  return {
    ...spec,
    number,
    version: 0,
    ledgerN: 0,
    runSeq: 0,
    snapshot: request.snapshot,
    projection: request.projection,
    createdAt: at,
    updatedAt: at,
    endedAt: null,
    progress: null,
    lock: hasPlace ? { key: request.lock.key, since: at } : null,
  };
};

/**
 * Whether and how a run begins: slot, idempotency, policy, queue, permit, conflict are asked in this
 * order. Pure, and may be called twice.
 */
const planBegin = (request: BeginRequest, facts: StartFacts, first: FirstStep): StartPlan => {
  const { spec, at, idempotency, lock, slot = null } = request;
  const none = (answer: (StartPlan & { kind: 'not-begun' })['answer']): StartPlan => ({
    kind: 'not-begun',
    answer,
    writes: null,
  });
  if (slot && !isOpen(facts.slot ?? { decision: null, decidedTo: null }, slot))
    return none({ kind: 'slot-decided' });
  const { keyed, streak, queue } = facts;
  if (idempotency && keyed && keyed.at >= at - keyLifetimeMs) {
    const isSame = keyed.bodyHash === idempotency.bodyHash;
    return none({ kind: isSame ? 'replayed' : 'key-reused', run: keyed.run });
  }
  const verdict = judgeStart(streak, spec.definition.onFailures ?? null, spec.trigger, at);
  if (verdict === 'blocked') {
    const paused: Paused = { code: 'blocked-by-policy', streak };
    const writes = refuse(request, paused);
    return { kind: 'not-begun', answer: { kind: 'blocked', ...paused }, writes };
  }
  // Nobody overtakes those that wait, not even when a permit has just become free.
  const place = queue.waiters.length > 0 ? undefined : freePlace(queue, lock.limit);
  const conflict = place === undefined ? conflictOf(queue, lock) : null;
  if (conflict) {
    const writes = refuse(request, conflict);
    return { kind: 'not-begun', answer: { kind: 'refused', ...conflict }, writes };
  }
  const replaces = lock.onConflict === 'cancel_running';
  const run = rowOf(request, facts.lastNumber + 1, place !== undefined);
  const queued = place === undefined ? queuedAt(queue, queue.waiters.length, replaces) : null;
  const step = first({ run, effects: [], timers: [], streak }, queued);
  // Before the last event, which is always the one that carries what changed.
  const warned = verdict === 'warned' ? [warnedEvent(streak, spec.pipeline)] : [];
  const born: NewRun = {
    run,
    chart: { config: request.config, compilerVersion: request.compilerVersion },
    place: place ?? null,
    replaces,
    lockKey: lock.key,
    idempotency,
    inputsSeen: request.inputsSeen ?? null,
    decision: {
      ...step,
      events: [...step.events.slice(0, -1), ...warned, ...step.events.slice(-1)],
    },
  };
  const decision = place === undefined ? 'queued' : 'started';
  const became = { decision, runId: spec.runId, reason: null, at } as const;
  return {
    kind: 'begun',
    writes: {
      at,
      pipeline: spec.pipeline,
      forgetKeysBefore: idempotency ? at - keyLifetimeMs : null,
      slot: slot && slotRow(slot, { ...became, policy: slot.policy }),
      events: slot ? [firedEvent(slot, spec.runId)] : [],
      streak: verdict === 'probe' ? { ...streak, probeRun: spec.runId } : null,
      born,
    },
  };
};

/**
 * The permit that this waiting run gets: only the first of a queue, and only one that is free. Pure.
 * @returns null when it goes on waiting
 */
export const planAdmit = ({ run, queue }: AdmitFacts): number | null =>
  queue.waiters[0]?.runId === run.runId
    ? (freePlace(queue, run.definition.concurrency.limit) ?? null)
    : null;

/** A start as the interpreter takes it: what it asks, and what it makes of the answers. */
export const startOf = (request: BeginRequest): PlannedStart => {
  const { spec, lock, idempotency, slot } = request;
  return {
    runId: spec.runId,
    chart: spec.chart,
    question: {
      pipeline: spec.pipeline,
      lockKey: lock.key,
      idempotencyKey: idempotency?.key ?? null,
      slot: slot ?? null,
    },
    plan: (facts, first) => planBegin(request, facts, first),
  };
};
