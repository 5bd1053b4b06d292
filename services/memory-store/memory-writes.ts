import { afterDecision, isOneOf } from '../store/after-decision.ts';
import type { Begun, Committed, Decision, RunRow } from '../store/run-rows.ts';
import type { Change, RunStore } from '../store/run-store.ts';
import type { StartFacts, StartPlan, StartQuestion, StartWrites } from '../store/start-facts.ts';
import { StoreTrouble } from '../store/trouble.ts';
import {
  append,
  appendTo,
  loadedFrom,
  type MemoryPlace,
  queueIn,
  streakOf,
} from './memory-place.ts';
import { claimSlot, slotFacts } from './memory-slots.ts';

/** As the statement of a database does: it refuses while an attempt of the run is there (T1, I13). */
const freeLock = (place: MemoryPlace, runId: string): void => {
  const works = place.runs.get(runId)?.effects.some(({ kind }) => kind === 'stage');
  if (!works) place.holders = place.holders.filter((one) => one.runId !== runId);
};

const leaveLine = (place: MemoryPlace, runId: string): void => {
  place.waiters = place.waiters.filter((one) => one.runId !== runId);
};

/** Writes one decision upon this row. @throws when the run has moved since it was read */
const applyDecision = (place: MemoryPlace, before: RunRow, decision: Decision): Committed => {
  const { at, next, events, closing } = decision;
  const { runId, pipeline } = before;
  const kept = place.runs.get(runId);
  if (!kept || (next && kept.run.version !== before.version))
    throw new Error(`run ${runId} moved while it was decided upon`);
  const after = afterDecision({ ...kept, run: before }, decision);
  place.runs.set(runId, after);
  const row = { ...decision.ledger, n: after.run.ledgerN, at, snapshot: next?.snapshot };
  const ledger = place.ledger.get(runId);
  if (ledger) ledger.push(row);
  else place.ledger.set(runId, [row]);
  let lastSeq = 0;
  for (const [index, event] of events.entries())
    lastSeq = append(place, event, { runId, runSeq: before.runSeq + index + 1, pipeline }, at);
  if (next?.ended) leaveLine(place, runId);
  if (next?.freesLock) freeLock(place, runId);
  if (closing?.streak) place.streaks.set(pipeline, closing.streak);
  if (closing?.event)
    lastSeq = append(place, closing.event, { runId: null, runSeq: null, pipeline }, at);
  return { run: after.run, decision, lastSeq };
};

const factsOf = (place: MemoryPlace, question: StartQuestion): StartFacts => {
  const { pipeline, lockKey, idempotencyKey, slot } = question;
  const key = place.idempotency.get(`${pipeline} ${idempotencyKey}`);
  const keyed = key && loadedFrom(place, key.runId);
  return {
    slot: slot && slotFacts(place, slot),
    keyed: keyed ? { run: keyed.run, bodyHash: key.bodyHash, at: key.at } : null,
    streak: streakOf(place, pipeline),
    queue: queueIn(place, lockKey),
    lastNumber: place.pipelines.get(pipeline)?.lastNumber ?? 0,
  };
};

const applyWrites = (place: MemoryPlace, writes: StartWrites): void => {
  const { at, pipeline, forgetKeysBefore, slot, events, streak, born } = writes;
  if (forgetKeysBefore !== null)
    for (const [key, one] of place.idempotency)
      if (one.at < forgetKeysBefore) place.idempotency.delete(key);
  if (born) {
    const { run, chart, lockKey, replaces, idempotency, inputsSeen } = born;
    const { runId } = run;
    place.charts.set(run.chart, chart);
    place.pipelines.set(run.pipeline, { lastNumber: run.number, reset: undefined });
    place.runs.set(runId, { run, effects: [], timers: [] });
    if (inputsSeen)
      place.inputs.set(
        runId,
        'now' in inputsSeen ? inputsSeen.now : (place.inputs.get(inputsSeen.of) ?? []),
      );
    if (born.place === null) place.waiters.push({ key: lockKey, runId, replaces });
    else place.holders.push({ key: lockKey, place: born.place, runId, since: at });
    if (idempotency)
      place.idempotency.set(`${run.pipeline} ${idempotency.key}`, {
        runId,
        bodyHash: idempotency.bodyHash,
        at,
      });
  }
  if (slot) claimSlot(place, slot);
  for (const event of events) append(place, event, { runId: null, runSeq: null, pipeline }, at);
  if (streak) place.streaks.set(pipeline, streak);
};

const begun = (
  place: MemoryPlace,
  question: StartQuestion,
  plan: (facts: StartFacts) => StartPlan,
): Begun => {
  const planned = plan(factsOf(place, question));
  if (planned.writes) applyWrites(place, planned.writes);
  if (planned.kind === 'not-begun') return planned.answer;
  const { run, decision } = planned.writes.born;
  return { kind: 'begun', ...applyDecision(place, run, decision) };
};

const admitted = (
  place: MemoryPlace,
  runId: string,
  plan: Parameters<RunStore['admit']>[1],
): Committed | null => {
  const key = place.waiters.find((one) => one.runId === runId)?.key;
  const loaded = key === undefined ? null : loadedFrom(place, runId);
  if (key === undefined || !loaded) return null;
  const planned = plan({ ...loaded, queue: queueIn(place, key) });
  if (!planned) return null;
  const { place: at, decision } = planned;
  leaveLine(place, runId);
  place.holders.push({ key, place: at, runId, since: decision.at });
  return applyDecision(place, { ...loaded.run, lock: { key, since: decision.at } }, decision);
};

const amended = (place: MemoryPlace, { runId, change }: Change, at: number): boolean => {
  const loaded = loadedFrom(place, runId);
  const planned = loaded && change(loaded);
  if (!planned) return false;
  const { remove = [], effects = [], timers = [], progress, why, freesLock, event } = planned;
  const isRemoved = isOneOf(remove);
  const { run } = loaded;
  place.runs.set(runId, {
    run: {
      ...run,
      ...(progress !== undefined && { progress }),
      ...(why !== undefined && { projection: { ...run.projection, why } }),
    },
    effects: loaded.effects
      .filter((row) => !isRemoved(row))
      .map((row) => effects.find((one) => isOneOf([one])(row)) ?? row),
    timers: loaded.timers.map((row) => timers.find((one) => isOneOf([one])(row)) ?? row),
  });
  if (freesLock) freeLock(place, runId);
  if (event) appendTo(place, { ...event, runId, pipeline: run.pipeline }, at);
  return true;
};

/**
 * One transaction: what a plan reads is what it writes upon. Nothing was written where it threw, so
 * one that was given up is begun again.
 */
const together = async <T>(work: () => T): Promise<T> => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof StoreTrouble && error.kind === 'busy')) throw error;
    return work();
  }
};

/** What is written of runs. Each is one turn, so nobody comes between a plan and its writes. */
export const memoryWrites = (
  place: MemoryPlace,
): Pick<RunStore, 'begin' | 'admit' | 'step' | 'amend' | 'amendPipeline'> => ({
  begin: (question, plan) => together(() => begun(place, question, plan)),
  admit: (runId, plan) => together(() => admitted(place, runId, plan)),
  step: (runId, decide) =>
    together(() => {
      const loaded = loadedFrom(place, runId);
      return loaded && applyDecision(place, loaded.run, decide(loaded));
    }),
  amend: (changes, at) => together(() => changes.map((one) => amended(place, one, at))),
  amendPipeline: async (pipeline, plan, at) => {
    const planned = plan(streakOf(place, pipeline));
    if (!planned) return null;
    const { streak, reset, event } = planned;
    if (streak) place.streaks.set(pipeline, streak);
    const { lastNumber = 0 } = place.pipelines.get(pipeline) ?? {};
    if (reset !== undefined) place.pipelines.set(pipeline, { lastNumber, reset });
    return appendTo(place, { ...event, runId: null, pipeline }, at);
  },
});
