import type { Clock } from '../host/clock.ts';
import type { Disk } from '../host/disk.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { LiveCount, PipelineFigures } from '../store/figures-store.ts';
import { headOnly } from '../store/journal-store.ts';
import type { Store } from '../store/store.ts';
import type { Alarms } from '../watchdog/alarms.ts';
import type { Health } from './health.ts';
import { createRunTallies } from './run-tallies.ts';
import type { countSlots, DecidedSlot } from './slot-tallies.ts';
import type { Spread, Spreads } from './tally.ts';

type Of<L> = { bounds: readonly number[]; of: Spread<L>[] };
/** The service in numbers, for whoever watches it from outside. */
export type Measures = {
  /** Every pipeline that is loaded, with what is known of it for as long as it exists. */
  pipelines: (PipelineFigures & { stages: string[]; nextSlotAt: number | null })[];
  /** Since the service started: runs that ended, and how long they took together. */
  ended: { pipeline: string; outcome: string; count: number; seconds: number }[];
  attempts: { pipeline: string; stage: string; result: string; count: number }[];
  slots: { pipeline: string; decision: DecidedSlot; count: number }[];
  stages: Of<{ pipeline: string; stage: string }>;
  queues: Of<{ pipeline: string }>;
  lateness: Of<{ pipeline: string }>;
  live: LiveCount[];
  /** When this service began. */
  startedAt: number;
  eventLoop: { p99Ms: number; maxMs: number };
  journalHead: number;
  pendingAnswers: number;
  freeBytes: number | null;
  alarms: { alarm: string; count: number }[];
  checks: { check: string; isOk: boolean }[];
  notifications: { channel: string; result: string; count: number }[];
};

const counted = <T extends object>(items: readonly T[]): (T & { count: number })[] =>
  [...Map.groupBy(items, (item) => JSON.stringify(item)).values()].map((same) => ({
    ...(same[0] as T),
    count: same.length,
  }));
const of = <L extends { pipeline: string }>(spreads: Spreads<L>): Of<L> => ({
  bounds: spreads.bounds,
  of: spreads.all(),
});

type Deps = {
  clock: Pick<Clock, 'wallMs'>;
  interpreter: Pick<Interpreter, 'onCommit'>;
  store: Pick<Store, 'figures' | 'journal'>;
  loaded: LoadedPipelines;
  slotTallies: Omit<ReturnType<typeof countSlots>, 'store'>;
  effects: Pick<Effects, 'pendingAnswers'>;
  disk: Pick<Disk, 'state'>;
  alarms: Pick<Alarms, 'open'>;
  health: Pick<Health, 'report'>;
  notifications: { counts: () => Measures['notifications'] };
  lag: () => Measures['eventLoop'];
};
/** @param nextSlots of each pipeline that has one; asked for by the scheduler's own plan */
export type Measure = (nextSlots: () => Promise<Map<string, number>>) => Promise<Measures>;

export const createMeasures = (deps: Deps): Measure => {
  const { interpreter, store, loaded, effects, disk, alarms, health, lag, notifications } = deps;
  const { ended, attempts, stages, queues } = createRunTallies(interpreter.onCommit);
  const { decided, lateness } = deps.slotTallies;
  const startedAt = deps.clock.wallMs();

  return async (nextSlots) => {
    const figures = await store.figures();
    const next = await nextSlots();
    const live = new Set(figures.live.map(({ pipeline }) => pipeline));
    // The last run of a pipeline that was taken away is still counted while it is live.
    for (const tally of [ended, attempts, stages, queues, decided, lateness])
      tally.keep((pipeline) => loaded.pipelines.has(pipeline) || live.has(pipeline));
    const known = new Map(figures.pipelines.map((one) => [one.pipeline, one]));
    return {
      pipelines: [...loaded.pipelines.values()].map(({ definition: { name, stages: own } }) => ({
        ...(known.get(name) ?? neverRan(name)),
        stages: own.map((stage) => stage.name),
        nextSlotAt: next.get(name) ?? null,
      })),
      ended: ended.all().map(({ sum, ...one }) => ({ ...one, seconds: sum })),
      attempts: attempts.all(),
      slots: decided.all(),
      stages: of(stages),
      queues: of(queues),
      lateness: of(lateness),
      live: figures.live,
      startedAt,
      eventLoop: lag(),
      journalHead: (await store.journal(headOnly)).headSeq,
      pendingAnswers: effects.pendingAnswers(),
      freeBytes: disk.state().freeBytes,
      alarms: counted(alarms.open().map(({ code }) => ({ alarm: code }))),
      checks: Object.entries(health.report().checks).map(([check, { status }]) => ({
        check,
        isOk: status === 'ok',
      })),
      notifications: notifications.counts(),
    };
  };
};

const neverRan = (pipeline: string): PipelineFigures => ({
  pipeline,
  lastRunAt: null,
  lastSuccessAt: null,
  lastSlotAt: null,
  failures: 0,
  isBlocked: false,
});
