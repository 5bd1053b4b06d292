import type { ChartConfig } from '../../machines/chart-config.ts';
import type { JournalEvent, NewEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import type { LedgerRow, Loaded, StepFacts } from '../store/run-rows.ts';
import type { InputsSeen, ScheduleRow, SlotRow } from '../store/slot-store.ts';
import type { QueueFacts } from '../store/start-facts.ts';
import { noStreak, type Streak } from '../store/streak.ts';

/** Rows as values: one is never changed, only followed by another. */
export type MemoryPlace = {
  runs: Map<string, Loaded>;
  charts: Map<string, { config: ChartConfig; compilerVersion: number }>;
  ledger: Map<string, (LedgerRow & { snapshot: unknown })[]>;
  journal: JournalEvent[];
  /** `reset` as in `PipelineFacts`. */
  pipelines: Map<string, { lastNumber: number; reset: string | null | undefined }>;
  streaks: Map<string, Streak>;
  holders: { key: string; place: number; runId: string; since: number }[];
  waiters: { key: string; runId: string; replaces: boolean }[];
  /** By pipeline and key. */
  idempotency: Map<string, { runId: string; bodyHash: string; at: number }>;
  inputs: Map<string, readonly InputsSeen[]>;
  schedules: Map<string, ScheduleRow>;
  /** By schedule, backfill and instant. */
  slots: Map<string, SlotRow>;
  meta: Map<string, string>;
};

export const newMemoryPlace = (): MemoryPlace => ({
  runs: new Map(),
  charts: new Map(),
  ledger: new Map(),
  journal: [],
  pipelines: new Map(),
  streaks: new Map(),
  holders: [],
  waiters: [],
  idempotency: new Map(),
  inputs: new Map(),
  schedules: new Map(),
  slots: new Map(),
  meta: new Map(),
});

export const streakOf = (place: MemoryPlace, pipeline: string): Streak =>
  place.streaks.get(pipeline) ?? noStreak;

/** The run and all that lives of it; the row is a copy, as every row that is read. */
export const loadedFrom = (place: MemoryPlace, runId: string): StepFacts | null => {
  const kept = place.runs.get(runId);
  if (!kept) return null;
  const holder = place.holders.find((one) => one.runId === runId);
  const lock = holder ? { key: holder.key, since: holder.since } : null;
  return {
    run: { ...kept.run, lock },
    effects: kept.effects,
    timers: kept.timers,
    streak: streakOf(place, kept.run.pipeline),
  };
};

export const queueIn = (place: MemoryPlace, key: string): QueueFacts => {
  const holders = place.holders
    .filter((one) => one.key === key)
    .toSorted((a, b) => a.since - b.since || (a.runId < b.runId ? -1 : 1))
    .map(({ place: at, runId }) => ({ place: at, runId }));
  const waiters = place.waiters
    .filter((one) => one.key === key)
    .map(({ runId, replaces }) => ({ runId, replaces }));
  const ahead = holders[0]?.runId ?? waiters[0]?.runId;
  const run = ahead === undefined ? null : (loadedFrom(place, ahead)?.run ?? null);
  return { key, holders, waiters, ahead: run };
};

type Owner = { runId: string | null; runSeq: number | null; pipeline: string | null };
/** @returns its place in the journal */
export const append = (
  place: MemoryPlace,
  { stage, event, severity, attempt, msg, data }: NewEvent,
  { runId, runSeq, pipeline }: Owner,
  at: number,
): number => {
  const seq = place.journal.length + 1;
  place.journal.push({
    v: 1,
    id: `e_${seq}`,
    seq,
    run_id: runId,
    run_seq: runSeq,
    pipeline,
    stage,
    event,
    timestamp: iso(at),
    severity,
    ...(attempt !== undefined && { attempt }),
    msg,
    data,
  });
  return seq;
};

/** An event outside a step: of a run, with the next number of it, or of nobody. */
export const appendTo = (
  place: MemoryPlace,
  event: NewEvent & { runId: string | null; pipeline: string | null },
  at: number,
): number => {
  const { runId, pipeline } = event;
  const kept = runId === null ? undefined : place.runs.get(runId);
  if (!kept) return append(place, event, { runId, runSeq: null, pipeline }, at);
  const run = { ...kept.run, runSeq: kept.run.runSeq + 1 };
  place.runs.set(run.runId, { ...kept, run });
  return append(place, event, { runId, runSeq: run.runSeq, pipeline }, at);
};
