import type { Measures } from '../services/health/measures.ts';
import type { DecidedSlot } from '../services/health/slot-tallies.ts';
import { attemptResults } from '../wire/attempts.ts';
import { outcomes } from '../wire/status.ts';

type Labels = Record<string, string>;
/** A number with the labels it belongs to. */
export type Sample = { labels: Labels; value: number };
/** How many seconds were at most so many, by labels; the last count is for all that were longer. */
export type SpreadSample = { labels: Labels; counts: readonly number[]; sum: number };
/** Everything a scrape is made of. */
export type Seen = Measures & {
  sockets: number;
  inspectors: number;
  inspectionFailures: number;
  residentBytes: number;
};
export type Metric = { name: string; help: string; labels: readonly string[] } & (
  | { type: 'gauge' | 'counter'; samples(seen: Seen): Sample[] }
  | {
      type: 'histogram';
      spread(seen: Seen): { bounds: readonly number[]; samples: SpreadSample[] };
    }
);

const decisions: readonly DecidedSlot[] = [
  'started',
  'queued',
  'skipped',
  'missed',
  'blocked',
  'refused',
  'cancelled',
];

const alone = (value: number): Sample[] => [{ labels: {}, value }];
const seconds = (ms: number | null): number => (ms ?? 0) / 1000;
type Figures = Measures['pipelines'][number];
const ofEach =
  (value: (figures: Figures) => number) =>
  ({ pipelines }: Seen): Sample[] =>
    pipelines.map((figures) => ({ labels: { pipeline: figures.pipeline }, value: value(figures) }));

/**
 * Counters of every pipeline that is known stand at 0 from the start: the first failure is then a
 * step from 0 to 1, which an alert sees, and not a series that was never there before (TRUTH-8).
 */
const filled = (zeros: Labels[], happened: Sample[]): Sample[] => {
  const keyOf = (labels: Labels): string => JSON.stringify(Object.values(labels));
  const all = new Map(zeros.map((labels) => [keyOf(labels), { labels, value: 0 }]));
  for (const sample of happened) all.set(keyOf(sample.labels), sample);
  return [...all.values()];
};
const byOutcome = (
  { pipelines, ended }: Seen,
  value: (one: Measures['ended'][number]) => number,
): Sample[] =>
  filled(
    pipelines.flatMap(({ pipeline }) => outcomes.map((outcome) => ({ pipeline, outcome }))),
    ended.map((one) => ({
      labels: { pipeline: one.pipeline, outcome: one.outcome },
      value: value(one),
    })),
  );

const spreadOf = <L extends Labels>({
  bounds,
  of,
}: {
  bounds: readonly number[];
  of: (L & { counts: number[]; sum: number })[];
}) => ({
  bounds,
  samples: of.map(({ counts, sum, ...labels }) => ({ labels, counts, sum })),
});

const ofPipelines: readonly Metric[] = [
  {
    name: 'runs_ended_total',
    type: 'counter',
    help: 'Runs that ended since the service started',
    labels: ['pipeline', 'outcome'],
    samples: (seen) => byOutcome(seen, ({ count }) => count),
  },
  {
    name: 'run_seconds_total',
    type: 'counter',
    help: 'Seconds those runs took together',
    labels: ['pipeline', 'outcome'],
    samples: (seen) => byOutcome(seen, (one) => one.seconds),
  },
  {
    name: 'attempts_total',
    type: 'counter',
    help: 'Attempts of stages that ended since the service started',
    labels: ['pipeline', 'stage', 'result'],
    samples: ({ pipelines, attempts }) =>
      filled(
        pipelines.flatMap(({ pipeline, stages }) =>
          stages.flatMap((stage) => attemptResults.map((result) => ({ pipeline, stage, result }))),
        ),
        attempts.map(({ pipeline, stage, result, count }) => ({
          labels: { pipeline, stage, result },
          value: count,
        })),
      ),
  },
  {
    name: 'slots_total',
    type: 'counter',
    help: 'Slots of schedules and backfills by what became of them since the service started',
    labels: ['pipeline', 'decision'],
    samples: ({ pipelines, slots }) =>
      filled(
        pipelines.flatMap(({ pipeline }) => decisions.map((decision) => ({ pipeline, decision }))),
        slots.map(({ pipeline, decision, count }) => ({
          labels: { pipeline, decision },
          value: count,
        })),
      ),
  },
  {
    name: 'last_success_timestamp_seconds',
    type: 'gauge',
    help: 'When a whole run last ended with success or with nothing to do; 0 = never',
    labels: ['pipeline'],
    samples: ofEach(({ lastSuccessAt }) => seconds(lastSuccessAt)),
  },
  {
    name: 'last_run_timestamp_seconds',
    type: 'gauge',
    help: 'When a whole run last ended, whatever its outcome; 0 = never',
    labels: ['pipeline'],
    samples: ofEach(({ lastRunAt }) => seconds(lastRunAt)),
  },
  {
    name: 'last_slot_timestamp_seconds',
    type: 'gauge',
    help: 'The newest slot that was to bring a run (skipped ones are not); 0 = none was due yet',
    labels: ['pipeline'],
    samples: ofEach(({ lastSlotAt }) => seconds(lastSlotAt)),
  },
  {
    name: 'next_slot_timestamp_seconds',
    type: 'gauge',
    help: 'When the pipeline is due next; no series = not by itself, or schedules are paused',
    labels: ['pipeline'],
    samples: ({ pipelines }) =>
      pipelines.flatMap(({ pipeline, nextSlotAt }) =>
        nextSlotAt === null ? [] : [{ labels: { pipeline }, value: nextSlotAt / 1000 }],
      ),
  },
  {
    name: 'failures_in_a_row',
    type: 'gauge',
    help: 'Whole runs that failed since the last success or acknowledgement',
    labels: ['pipeline'],
    samples: ofEach(({ failures }) => failures),
  },
  {
    name: 'blocked',
    type: 'gauge',
    help: '1 = failures in a row hold up runs (on_failures)',
    labels: ['pipeline'],
    samples: ofEach(({ isBlocked }) => (isBlocked ? 1 : 0)),
  },
  {
    name: 'runs_live',
    type: 'gauge',
    help: 'Runs that are queued or running',
    labels: ['pipeline', 'state'],
    samples: ({ live }) =>
      live.map(({ pipeline, state, count }) => ({ labels: { pipeline, state }, value: count })),
  },
  {
    name: 'stage_duration_seconds',
    type: 'histogram',
    help: 'How long stages took from their first attempt to their end',
    labels: ['pipeline', 'stage'],
    spread: ({ stages }) => spreadOf(stages),
  },
  {
    name: 'queue_wait_seconds',
    type: 'histogram',
    help: 'How long runs that had to wait for a place waited',
    labels: ['pipeline'],
    spread: ({ queues }) => spreadOf(queues),
  },
  {
    name: 'slot_lateness_seconds',
    type: 'histogram',
    help: 'How late slots began their runs; missed slots that are made up for, and backfills, are not in it',
    labels: ['pipeline'],
    spread: ({ lateness }) => spreadOf(lateness),
  },
];

const ofService: readonly Metric[] = [
  {
    name: 'start_time_seconds',
    type: 'gauge',
    help: 'When the service began',
    labels: [],
    samples: ({ startedAt }) => alone(startedAt / 1000),
  },
  {
    name: 'event_loop_lag_seconds',
    type: 'gauge',
    help: 'How late the event loop was between the last two looks of the watchdog',
    labels: ['quantile'],
    samples: ({ eventLoop }) => [
      { labels: { quantile: '0.99' }, value: eventLoop.p99Ms / 1000 },
      { labels: { quantile: '1' }, value: eventLoop.maxMs / 1000 },
    ],
  },
  {
    name: 'journal_head',
    type: 'gauge',
    help: 'The seq of the newest event',
    labels: [],
    samples: ({ journalHead }) => alone(journalHead),
  },
  {
    name: 'answers_waiting',
    type: 'gauge',
    help: 'Answers that wait to be committed',
    labels: [],
    samples: ({ pendingAnswers }) => alone(pendingAnswers),
  },
  {
    name: 'disk_free_bytes',
    type: 'gauge',
    help: 'Free space of the data directory',
    labels: [],
    samples: ({ freeBytes }) => alone(freeBytes ?? Number.NaN),
  },
  {
    name: 'watchdog_alarms',
    type: 'gauge',
    help: 'Alarms that are open',
    labels: ['alarm'],
    samples: ({ alarms }) =>
      alarms.map(({ alarm, count }) => ({ labels: { alarm }, value: count })),
  },
  {
    name: 'health_ok',
    type: 'gauge',
    help: 'What each part of the service says of itself: 1 = well',
    labels: ['check'],
    samples: ({ checks }) =>
      checks.map(({ check, isOk }) => ({ labels: { check }, value: isOk ? 1 : 0 })),
  },
  {
    name: 'notifications_total',
    type: 'counter',
    help: 'Messages to channels since the service started, by what became of an attempt',
    labels: ['channel', 'result'],
    samples: ({ notifications }) =>
      notifications.map(({ count, ...labels }) => ({ labels, value: count })),
  },
  {
    name: 'sockets',
    type: 'gauge',
    help: 'WebSockets that are connected',
    labels: [],
    samples: ({ sockets }) => alone(sockets),
  },
  {
    name: 'inspectors',
    type: 'gauge',
    help: 'WebSockets that look at the inspection feed',
    labels: [],
    samples: ({ inspectors }) => alone(inspectors),
  },
  {
    name: 'inspection_failures_total',
    type: 'counter',
    help: 'What the inspection feed failed at since the service started; no run is the worse for it',
    labels: [],
    samples: ({ inspectionFailures }) => alone(inspectionFailures),
  },
  {
    name: 'resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the service',
    labels: [],
    samples: ({ residentBytes }) => alone(residentBytes),
  },
];

/** Every metric there is; docs/monitoring.md, the alert rules and the dashboard are held against it. */
export const metricTable: readonly Metric[] = [...ofPipelines, ...ofService].map((metric) => ({
  ...metric,
  name: `stagewright_${metric.name}`,
}));
