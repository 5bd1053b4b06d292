import { scheduleIdSchema, timeFields } from '../../definition/schedule.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Clock } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { ScheduleRow, Written } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import { checkedIn, withoutNulls } from './checked.ts';
import { type Schedule, type ScheduleRegistry, writtenIn } from './schedule-registry.ts';
import { pauseKey, type Scheduler } from './scheduler.ts';
import type { Schedules } from './schedules-port.ts';

type Deps = {
  store: Store;
  registry: ScheduleRegistry;
  scheduler: Scheduler;
  clock: Clock;
  lookup: RunLookup;
  wake: () => void;
};
type Made<T extends keyof Schedules> = (...given: Parameters<Schedules[T]>) => Promise<void>;
/** What changes schedules; each is stored with who and when, and told as an event. */
export type Edits = {
  /** @returns its id */
  create(...given: Parameters<Schedules['createSchedule']>): Promise<string>;
  change: Made<'changeSchedule'>;
  remove: Made<'removeSchedule'>;
  pause: Made<'pauseSchedules'>;
};
/** Each is looked at every second; those of files are their author's matter. */
const maxOwn = 500;
/** A change of one of these makes another row of slots; those before it were never promised. */
const shapingFields = [...timeFields, 'timezone', 'dst_gap', 'dst_fold', 'start', 'enabled'];

/** Changes as they are stored. One way to say when replaces the others. */
export const overridesOf = (changes: Written, by: string, at: number): ScheduleRow['overrides'] => {
  const others = timeFields.some((field) => changes[field] != null)
    ? timeFields.filter((field) => changes[field] == null)
    : [];
  const all = { ...changes, ...Object.fromEntries(others.map((field) => [field, null])) };
  return Object.fromEntries(
    Object.entries(all).map(([field, value]) => [field, { value, by, at }]),
  );
};

export const createEdits = (deps: Deps, found: (id: string) => Schedule): Edits => {
  const { store, registry, scheduler, clock, lookup, wake } = deps;
  const event = (id: string, msg: string, data: object): NewEvent => ({
    stage: 'scheduler',
    event: 'changed',
    severity: 'info',
    msg,
    data: { schedule: id, ...data },
  });
  const create: Edits['create'] = async (given, pipeline, fields, actor) => {
    lookup.assertReady();
    const written = withoutNulls(fields);
    lookup.requirePipeline(pipeline);
    const id = given ?? pipeline;
    const good = scheduleIdSchema.safeParse(id);
    if (!good.success)
      throw new ServiceError('invalid-schedule', 'the schedule is invalid', {
        errors: [{ pointer: '/id', detail: good.error.issues[0]?.message ?? '' }],
      });
    await checkedIn(lookup, pipeline, written);
    if (registry.all().filter(({ row }) => row.file === null).length >= maxOwn)
      throw new ServiceError(
        'too-many-schedules',
        `${maxOwn} schedules were made by the API already, which is all that may be`,
      );
    const at = clock.wallMs();
    const row: ScheduleRow = {
      id,
      pipeline,
      file: null,
      origin: 'api',
      overrides: overridesOf(written, actor.name, at),
      version: 1,
      decidedTo: at,
      createdAt: at,
      createdBy: actor.name,
      updatedAt: at,
    };
    const made = event(id, `${actor.name} made the schedule ${id} of ${pipeline}`, {
      command: 'CREATE',
      by: actor.name,
      fields: Object.keys(written),
    });
    if (!(await store.saveSchedule(row, null, [made], at)))
      throw new ServiceError('schedule-exists', `there is a schedule ${id} already`);
    wake();
    await scheduler.changed(id);
    return id;
  };

  const change: Edits['change'] = async (id, changes, { revert, ifVersion, actor }) => {
    // What was due until now is decided by the schedule as it was.
    await scheduler.tick();
    await scheduler.changed(id);
    const { row } = found(id);
    const moved = (version: number) =>
      new ServiceError(
        'schedule-moved',
        `schedule ${id} is at version ${version}, not at ${ifVersion}`,
        {
          extra: { schedule: id, version },
        },
      );
    if (ifVersion !== null && row.version !== ifVersion) throw moved(row.version);
    const at = clock.wallMs();
    const kept = Object.fromEntries(
      Object.entries(row.overrides).filter(([field]) => !revert.includes(field)),
    );
    const changed = Object.entries({ ...kept, ...overridesOf(changes, actor.name, at) });
    // Nothing taken out of nothing is no change worth remembering.
    const overrides = Object.fromEntries(
      changed.filter(([field, one]) => one?.value !== null || (row.file && field in row.file)),
    );
    await checkedIn(lookup, row.pipeline, writtenIn({ file: row.file, overrides }));
    const fields = [...Object.keys(changes), ...revert];
    const decidedTo = fields.some((field) => shapingFields.includes(field))
      ? Math.max(at, row.decidedTo)
      : row.decidedTo;
    const words = fields.map((field) =>
      revert.includes(field)
        ? `${field} back to the file`
        : `${field} to ${JSON.stringify(changes[field])}`,
    );
    const said = event(id, `${actor.name} set ${words.join(', ') || 'nothing'} of schedule ${id}`, {
      command: 'CHANGE',
      by: actor.name,
      fields,
    });
    const next = { ...row, overrides, version: row.version + 1, decidedTo, updatedAt: at };
    if (!(await store.saveSchedule(next, row.version, [said], at))) {
      // Another process was quicker. Whoever named no version meant the schedule as it is.
      await registry.refresh(id);
      if (ifVersion !== null) throw moved(found(id).row.version);
      return change(id, changes, { revert, ifVersion, actor });
    }
    wake();
    await scheduler.changed(id);
  };

  return {
    create,
    change,
    remove: async (id, { ifVersion, actor }) => {
      await scheduler.tick();
      const { row } = found(id);
      if (row.file)
        throw new ServiceError(
          'defined-in-file',
          `schedule ${id} stands in the file of ${row.pipeline}; remove it there, or disable it`,
        );
      const said = event(id, `${actor.name} removed the schedule ${id}`, {
        command: 'DELETE',
        by: actor.name,
      });
      if (
        (ifVersion !== null && ifVersion !== row.version) ||
        !(await store.removeSchedule(id, row.version, said, clock.wallMs()))
      )
        throw new ServiceError('schedule-moved', `schedule ${id} is at version ${row.version}`, {
          extra: { schedule: id, version: row.version },
        });
      wake();
      await scheduler.changed(id);
    },
    pause: async (pause, actor) => {
      lookup.assertReady();
      await scheduler.tick();
      const at = clock.wallMs();
      await store.setMeta(
        pauseKey,
        JSON.stringify(pause && { by: actor.name, at, reason: pause.reason }),
      );
      const msg = pause
        ? `${actor.name} paused all schedules${pause.reason ? `: ${pause.reason}` : ''}`
        : `${actor.name} lets all schedules go on`;
      const data = {
        command: pause ? 'PAUSE' : 'RESUME',
        by: actor.name,
        reason: pause?.reason ?? null,
      };
      await store.note(
        {
          runId: null,
          pipeline: null,
          stage: 'scheduler',
          event: 'changed',
          severity: 'info',
          msg,
          data,
        },
        at,
      );
      wake();
      await scheduler.changed();
    },
  };
};
