import type { ScheduleFacts } from '../../definition/finding.ts';
import { scheduleFindings } from '../../definition/lint/schedule-findings.ts';
import { suggest } from '../../definition/suggest.ts';
import { iso } from '../../wire/iso.ts';
import type { ScheduleView } from '../../wire/schedule-view.ts';
import type { Plan } from '../calendar/planner.ts';
import type { Clock } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { Store } from '../store/store.ts';
import { createBackfills } from './backfills.ts';
import { createEdits } from './edits.ts';
import { factsOf, type PlannedSchedule } from './schedule-facts.ts';
import { type Schedule, type ScheduleRegistry, writtenIn } from './schedule-registry.ts';
import type { Scheduler } from './scheduler.ts';
import type { Schedules } from './schedules-port.ts';
import { createUpcoming } from './upcoming.ts';
import {
  classicView,
  nextSlots,
  noSchedule,
  scheduleSummary,
  scheduleView,
  slotView,
} from './views.ts';

type Deps = {
  store: Store;
  registry: ScheduleRegistry;
  scheduler: Scheduler;
  clock: Clock;
  lookup: RunLookup;
  nextId: () => string;
  wake: () => void;
};
const lastShown = 10;
const nextShown = 5;
const hourMs = 3_600_000;
/** A snapshot of the stream is bounded. */
const maxSummaries = 100;

/** What people ask of schedules: look, change, preview, backfill. Deciding is the scheduler's. */
export const createSchedules = ({
  store,
  registry,
  scheduler,
  clock,
  lookup,
  nextId,
  wake,
}: Deps): Schedules => {
  const headSeq = async (): Promise<number> =>
    (await store.journalAfter({}, Number.MAX_SAFE_INTEGER, 1)).headSeq;

  const found = (id: string): Schedule => {
    lookup.assertReady();
    const schedule = registry.find(id);
    if (schedule) return schedule;
    const nearest = suggest(
      id,
      registry.all().map(({ row }) => row.id),
    );
    throw new ServiceError(
      'unknown-schedule',
      `there is no schedule ${id}${nearest ? `; did you mean ${nearest}?` : ''}`,
    );
  };
  const asked = new Map<string, { plans: Plan[]; hour: number; facts: Promise<ScheduleFacts[]> }>();
  /** Asked for with every list; looked up anew only when a schedule has changed, or after an hour. */
  const scheduleFacts = (pipeline: string): Promise<ScheduleFacts[]> => {
    const inFile = lookup.requirePipeline(pipeline).schedules;
    const known = registry.all().flatMap(({ row, definition, plan }): PlannedSchedule[] => {
      if (row.pipeline !== pipeline || !plan) return [];
      const place = inFile.findIndex(({ id }) => id === row.id);
      return [
        {
          id: row.id,
          pointer: place < 0 ? '/schedules' : `/schedules/${place}`,
          enabled: definition.enabled,
          saysOverlap: writtenIn(row).overlap !== undefined,
          plan,
          timezone: definition.timezone,
        },
      ];
    });
    const plans = known.map(({ plan }) => plan);
    const hour = Math.floor(clock.wallMs() / hourMs);
    const before = asked.get(pipeline);
    if (
      before?.hour === hour &&
      before.plans.length === plans.length &&
      before.plans.every((plan, index) => plan === plans[index])
    )
      return before.facts;
    const facts = factsOf(known, clock.wallMs());
    asked.set(pipeline, { plans, hour, facts });
    return facts;
  };
  const view = async (schedule: Schedule): Promise<ScheduleView> => {
    const { row } = schedule;
    const last = await store.slots({ scheduleId: row.id, limit: lastShown });
    const facts = (await scheduleFacts(row.pipeline)).find(({ id }) => id === row.id);
    const { definition } = lookup.requirePipeline(row.pipeline);
    const lint = facts ? scheduleFindings(definition, facts) : [];
    const isPaused = (await scheduler.paused()) !== null;
    const next = await nextSlots(schedule, clock.wallMs(), isPaused, nextShown);
    return scheduleView(schedule, last, next, lint);
  };
  /** The first of its file, else the one that goes by its name, else the oldest. */
  const mainOf = (pipeline: string): Schedule | undefined => {
    const own = registry.all().filter(({ row }) => row.pipeline === pipeline);
    const first = lookup.requirePipeline(pipeline).schedules[0]?.id;
    return (
      own.find(({ row }) => row.id === first) ??
      own.find(({ row }) => row.id === pipeline) ??
      own[0]
    );
  };

  const edits = createEdits({ store, registry, scheduler, clock, lookup, wake }, found);
  const upcoming = createUpcoming({ store, registry, scheduler, clock, lookup }, found);
  const createSchedule: Schedules['createSchedule'] = async (...given) =>
    view(found(await edits.create(...given)));
  const changeSchedule: Schedules['changeSchedule'] = async (id, ...given) => {
    await edits.change(id, ...given);
    return view(found(id));
  };
  const backfills = createBackfills({
    store,
    now: clock.wallMs,
    nextId,
    changed: () => scheduler.changed(),
    wake,
  });

  return {
    createSchedule,
    changeSchedule,
    schedules: async (pipeline) => {
      lookup.assertReady();
      if (pipeline !== null) lookup.requirePipeline(pipeline);
      const own = registry
        .all()
        .filter(({ row }) => pipeline === null || row.pipeline === pipeline);
      const pause = await scheduler.paused();
      const paused = pause && { by: pause.by, at: iso(pause.at), reason: pause.reason };
      return { items: await Promise.all(own.map(view)), paused, as_of_seq: await headSeq() };
    },
    nextSlotsOf: async (pipeline) => {
      const isPaused = (await scheduler.paused()) !== null;
      const own = registry.all().filter(({ row }) => row.pipeline === pipeline);
      const slots = await Promise.all(
        own.map((schedule) => nextSlots(schedule, clock.wallMs(), isPaused, nextShown)),
      );
      return [...new Set(slots.flat())]
        .sort((a, b) => a - b)
        .slice(0, nextShown)
        .map((at) => iso(at));
    },
    scheduleFacts,
    scheduleSummaries: async () =>
      (await Promise.all(registry.all().slice(0, maxSummaries).map(view))).map(scheduleSummary),
    scheduleById: async (id) => view(found(id)),
    removeSchedule: edits.remove,
    schedule: async (pipeline) => {
      lookup.assertReady();
      const main = mainOf(pipeline);
      return main
        ? classicView(await view(main))
        : noSchedule(lookup.requirePipeline(pipeline).definition.timezone);
    },
    setSchedule: async (pipeline, changes, actor) => {
      lookup.assertReady();
      const main = mainOf(pipeline);
      const options = { revert: [], ifVersion: null, actor };
      return classicView(
        main
          ? await changeSchedule(main.row.id, changes, options)
          : await createSchedule(null, pipeline, changes, actor),
      );
    },
    previewSchedule: upcoming.previewSchedule,
    upcoming: async (limit, perSchedule = null) => ({
      items: await upcoming.upcoming(limit, perSchedule),
      as_of_seq: await headSeq(),
    }),
    slotsOf: async (id, before, limit) => {
      const { row } = found(id);
      const rows = await store.slots({
        scheduleId: row.id,
        limit,
        ...(before !== null && { before }),
      });
      return { items: rows.map(slotView), as_of_seq: await headSeq() };
    },
    pauseSchedules: async (pause, actor) => {
      await edits.pause(pause, actor);
      return { paused: pause !== null, by: actor.name, reason: pause?.reason ?? null };
    },
    backfill: async (id, request) => backfills.begin(found(id), request),
    backfills: async (id) => ({
      items: await backfills.all(id === null ? null : found(id).row.id),
      as_of_seq: await headSeq(),
    }),
    cancelBackfill: (id, actor) =>
      backfills.cancel(
        id,
        actor.name,
        (scheduleId) => registry.find(scheduleId)?.row.pipeline ?? scheduleId,
      ),
  };
};
