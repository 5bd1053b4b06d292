import { iso } from '../../wire/iso.ts';
import { planOf } from '../calendar/planner.ts';
import type { Clock } from '../host/clock.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { RunRow, Store } from '../store/store.ts';
import { checkedAlone, checkedIn, withoutNulls } from './checked.ts';
import { overridesOf } from './edits.ts';
import { type Looked, lookAlong, type ScheduleLane } from './lanes.ts';
import {
  createForecast,
  type ForecastFacts,
  type LiveRun,
  medianOf,
  warningsOf,
} from './preview.ts';
import { type Schedule, type ScheduleRegistry, writtenIn } from './schedule-registry.ts';
import type { Scheduler } from './scheduler.ts';
import type { Schedules } from './schedules-port.ts';
import { isTurn } from './slot-words.ts';

type Deps = {
  store: Store;
  registry: ScheduleRegistry;
  scheduler: Scheduler;
  clock: Clock;
  lookup: RunLookup;
};
/** How many runs say what is usual. */
const usualOf = 20;
const nothing: ForecastFacts = { usualMs: null, live: null, limit: 1, queue: [] };

/** What will be, as far as the planner and the usual duration of runs can say. */
export const createUpcoming = (
  { store, registry, scheduler, clock, lookup }: Deps,
  found: (id: string) => Schedule,
) => {
  const usual = async (pipeline: string): Promise<number | null> =>
    medianOf(await store.durations(pipeline, usualOf));
  /**
   * When the live run is over: as usual; where nobody knows what is usual it is taken to be half
   * done.
   */
  const likelyEnd = ({ createdAt }: RunRow, usualMs: number | null): number => {
    const now = clock.wallMs();
    return Math.max(now, createdAt + (usualMs ?? 2 * (now - createdAt)));
  };
  /** Who waits: runs in the queue of the lock, then slots whose turn comes. */
  const queueOf = async (pipeline: string, key: string): Promise<ForecastFacts['queue']> => {
    const { waiters } = await store.line(key);
    const turns = (await store.waitingSlots()).filter(
      (row) => isTurn(row) && registry.find(row.scheduleId)?.row.pipeline === pipeline,
    );
    return [...waiters.map(() => null), ...turns.map(({ scheduleId }) => scheduleId)];
  };
  /** What is known of the pipeline now; of a time to come only what is usual. */
  const knownOf = async (pipeline: string, isNow: boolean): Promise<ForecastFacts> => {
    const { concurrency } = lookup.requirePipeline(pipeline).definition;
    const usualMs = await usual(pipeline);
    const { run } = isNow ? await store.latest(pipeline) : { run: null };
    const live: LiveRun | null =
      run && run.endedAt === null
        ? {
            number: run.number,
            state: run.projection.state,
            likelyEnd: likelyEnd(run, usualMs),
          }
        : null;
    const queue = isNow ? await queueOf(pipeline, concurrency.key) : [];
    return { usualMs, live, limit: concurrency.limit, queue };
  };
  /** From an instant that was asked for, else from what is decided on. */
  const afterOf = ({ decidedTo }: { decidedTo: number }, from: number | null): number =>
    from ?? Math.max(clock.wallMs(), decidedTo);
  /** The enabled schedules of a pipeline, in the order in which their slots have their turn. */
  const lanesOf = (pipeline: string, from: number | null, wanted: number): ScheduleLane[] =>
    registry
      .all()
      .flatMap(({ row, definition, plan }) =>
        plan && definition.enabled && row.pipeline === pipeline
          ? [{ id: row.id, plan, policy: definition, after: afterOf(row, from), wanted }]
          : [],
      );

  const previewSchedule: Schedules['previewSchedule'] = async ({
    id,
    pipeline: named,
    written,
    from,
    count,
  }) => {
    const stored = id === null ? null : found(id);
    const pipeline = stored?.row.pipeline ?? named;
    const fields = stored
      ? writtenIn({
          file: stored.row.file,
          overrides: { ...stored.row.overrides, ...overridesOf(written, '', 0) },
        })
      : withoutNulls(written);
    const { definition, days } =
      pipeline === null ? checkedAlone(fields) : await checkedIn(lookup, pipeline, fields);
    // A name that no schedule can have, for one that is not made yet.
    const own: ScheduleLane = {
      id: id ?? '',
      plan: planOf(id ?? pipeline ?? 'preview', definition, days),
      policy: definition,
      after: afterOf(stored?.row ?? { decidedTo: 0 }, from),
      wanted: count,
    };
    const known = pipeline === null ? nothing : await knownOf(pipeline, from === null);
    const others = pipeline === null ? [] : lanesOf(pipeline, from, 0);
    const place = others.findIndex((lane) => lane.id === id);
    const lanes = place < 0 ? [...others, own] : others.with(place, own);
    const { by, until } = await lookAlong(lanes, createForecast(known));
    const { planned, coming } = by.get(own.id) as Looked;
    return {
      timezone: definition.timezone,
      usual_duration_ms: known.usualMs,
      slots: coming,
      warnings: [
        ...warningsOf(planned, known.usualMs),
        ...(until === null
          ? []
          : [`other schedules of ${pipeline} are looked at until ${iso(until)} only`]),
      ],
    };
  };

  const upcoming = async (limit: number, perSchedule: number | null): Promise<Item[]> => {
    lookup.assertReady();
    if ((await scheduler.paused()) !== null) return [];
    const pipelines = [...new Set(registry.all().map(({ row }) => row.pipeline))];
    const wanted = perSchedule ?? limit;
    const firsts: Item[] = [];
    const rest: Item[] = [];
    for (const pipeline of pipelines) {
      const lanes = lanesOf(pipeline, null, wanted);
      if (lanes.length === 0) continue;
      const forecast = createForecast(await knownOf(pipeline, true));
      const { by } = await lookAlong(lanes, forecast);
      for (const [schedule, { coming }] of by)
        for (const [index, one] of coming.entries())
          (index === 0 ? firsts : rest).push({ schedule, pipeline, ...one });
    }
    // A schedule that is due often does not hide when the others are due first.
    const others = rest.sort(byTime).slice(0, Math.max(0, limit - firsts.length));
    return [...firsts, ...others].sort(byTime);
  };

  return { previewSchedule, upcoming };
};

type Item = Awaited<ReturnType<Schedules['upcoming']>>['items'][number];
const byTime = (a: Item, b: Item): number =>
  a.fires_at < b.fires_at ? -1 : a.fires_at > b.fires_at ? 1 : 0;
