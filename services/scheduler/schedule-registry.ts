import {
  type ScheduleDefinition,
  type ScheduleField,
  type ScheduleFile,
  scheduleFields,
  scheduleOf,
  scheduleSchema,
  timeFields,
} from '../../definition/schedule.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { SkipDays } from '../calendar/calendar.ts';
import { checkSchedule } from '../calendar/check-schedule.ts';
import { type Plan, planOf } from '../calendar/planner.ts';
import { readSkipDays } from '../calendar/skip-days.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { ScheduleRow, SlotStore, Written } from '../store/slot-store.ts';

/**
 * A schedule as it is in force. One with a `problem` has no plan and never fires: health says so.
 */
export type Schedule = { row: ScheduleRow; definition: ScheduleDefinition; projectDir: string } & (
  | { plan: Plan; problem: null; days: SkipDays }
  | { plan: null; problem: string; days: null }
);
export type FieldFault = { pointer: string; detail: string };

/**
 * Fields as they are in force: what was changed wins over what the file says; what a newer version
 * has written is left alone.
 */
export const writtenIn = ({
  file,
  overrides,
}: Pick<ScheduleRow, 'file' | 'overrides'>): Written => {
  const all: Written = { ...file };
  for (const [field, override] of Object.entries(overrides)) {
    if (!override) continue;
    if (override.value === null) delete all[field];
    else all[field] = override.value;
  }
  return Object.fromEntries(
    Object.entries(all).filter(([field]) => scheduleFields.includes(field as ScheduleField)),
  );
};

/** Fields → schedule, or what is invalid, by field. */
export const parseWritten = (
  written: Written,
  timezone: string,
): { file: ScheduleFile } | { faults: FieldFault[] } => {
  const parsed = scheduleSchema.safeParse(written);
  if (!parsed.success)
    return {
      faults: parsed.error.issues.map(({ path, message }) => ({
        pointer: path.map((key) => `/${String(key)}`).join(''),
        detail: message,
      })),
    };
  const faults = checkSchedule(parsed.data, timezone).map(({ field, detail }) => ({
    pointer: `/${field}`,
    detail,
  }));
  return faults.length > 0 ? { faults } : { file: parsed.data };
};

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const listed = (days: SkipDays | null) => days && [...days];
/** cron, every and at are three ways to say one thing: a change of one is a change of all. */
const isTime = (field: string): boolean => (timeFields as readonly string[]).includes(field);

/**
 * The file has been read again: fields it has changed win over what was changed by the API before
 * (Q19).
 */
const withFile = (
  row: ScheduleRow,
  file: Written | null,
): { row: ScheduleRow; lost: string[]; changed: string[] } => {
  const before = row.file ?? {};
  const after = file ?? {};
  // A schedule that was away from its file comes back with what was changed meanwhile still in
  // force.
  const isBack = row.file === null || file === null;
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (field) => !same(before[field], after[field]),
  );
  const hasNewTime = changed.some(isTime);
  const lost = isBack
    ? []
    : Object.keys(row.overrides).filter(
        (field) => changed.includes(field) || (hasNewTime && isTime(field)),
      );
  const overrides = Object.fromEntries(
    Object.entries(row.overrides).filter(([field]) => !lost.includes(field)),
  );
  return { row: { ...row, file, origin: file ? 'file' : row.origin, overrides }, lost, changed };
};

type Deps = {
  store: Pick<SlotStore, 'schedules' | 'saveSchedule'>;
  loaded: LoadedPipelines;
  now: () => number;
};
export type ScheduleRegistry = {
  /**
   * Makes the stored schedules those of the files, then reads them. @returns the pipelines that have
   * a calendar file with other days in it than before
   */
  open(): Promise<string[]>;
  /** Reads all schedules, or one, from the store again. */
  refresh(id?: string): Promise<void>;
  /**
   * Pipeline by pipeline, each in the order of its file, then those made by the API, oldest first:
   * of slots that fall together the first has its turn first.
   */
  all(): Schedule[];
  find(id: string): Schedule | undefined;
};

/** The schedules in force: rows of the store, checked and planned. */
export const createScheduleRegistry = ({ store, loaded, now }: Deps): ScheduleRegistry => {
  let schedules = new Map<string, Schedule>();

  const inForce = async (row: ScheduleRow): Promise<Schedule | null> => {
    const entry = loaded.pipelines.get(row.pipeline);
    // The file of its pipeline is broken or gone, or has lost it: nothing to run, nothing
    // forgotten.
    if (!entry || (row.origin === 'file' && row.file === null)) return null;
    const { projectDir } = entry;
    const { timezone } = entry.definition;
    const parsed = parseWritten(writtenIn(row), timezone);
    if ('faults' in parsed) {
      const problem = parsed.faults
        .map(({ pointer, detail }) => `${pointer} ${detail}`.trim())
        .join('; ');
      return {
        row,
        definition: { ...scheduleOf({}, timezone), enabled: false },
        projectDir,
        plan: null,
        problem,
        days: null,
      };
    }
    const definition = scheduleOf(parsed.file, timezone);
    const known = { row, definition, projectDir };
    try {
      const days = await readSkipDays(parsed.file, projectDir);
      return { ...known, plan: planOf(row.id, definition, days), problem: null, days };
    } catch (error) {
      return { ...known, plan: null, problem: (error as Error).message, days: null };
    }
  };

  const syncFile = async (
    known: Map<string, ScheduleRow>,
    pipeline: string,
    file: string,
    id: string,
    written: Written,
  ): Promise<void> => {
    const at = now();
    const row = known.get(id);
    const say = (severity: 'info' | 'warning', msg: string, data: object): NewEvent => ({
      stage: 'scheduler',
      event: 'changed',
      severity,
      msg,
      data: { schedule: id, by: file, ...data },
    });
    if (!row) {
      const fresh = {
        id,
        pipeline,
        file: written,
        origin: 'file' as const,
        overrides: {},
        version: 1,
        decidedTo: at,
        createdAt: at,
        createdBy: file,
        updatedAt: at,
      };
      await store.saveSchedule(
        fresh,
        null,
        [say('info', `schedule ${id} of ${pipeline} was made by ${file}`, { command: 'CREATE' })],
        at,
      );
      return;
    }
    const next = withFile(row, written);
    if (next.changed.length === 0 && row.pipeline === pipeline && row.file !== null) return;
    const events = [
      say('info', `${file} changed ${next.changed.join(', ') || 'nothing'} of schedule ${id}`, {
        command: 'CHANGE',
        fields: next.changed,
      }),
    ];
    for (const field of next.lost) {
      const {
        value,
        by,
        at: since,
      } = row.overrides[field] as { value: unknown; by: string; at: number };
      const was = `${field} ${JSON.stringify(value)}, set by ${by} at ${new Date(since).toISOString()}`;
      events.push(
        say(
          'warning',
          `${file} changed ${field} of schedule ${id}: ${was}, is no longer in force`,
          {
            command: 'OVERRULED',
            fields: [field],
          },
        ),
      );
    }
    // Slots of the time before the change were never promised.
    const decidedTo = row.file === null || next.changed.some(isTime) ? at : row.decidedTo;
    await store.saveSchedule(
      { ...next.row, pipeline, version: row.version + 1, decidedTo, updatedAt: at },
      row.version,
      events,
      at,
    );
  };

  const refresh: ScheduleRegistry['refresh'] = async (id) => {
    const rows = await store.schedules();
    const fresh = new Map(id === undefined ? [] : schedules);
    for (const row of rows) {
      if (id !== undefined && row.id !== id) continue;
      const schedule = await inForce(row);
      if (schedule) fresh.set(row.id, schedule);
      else fresh.delete(row.id);
    }
    if (id !== undefined && !rows.some((row) => row.id === id)) fresh.delete(id);
    const known = rows.map((row) => row.id);
    const pipelines = [...new Set(rows.map(({ pipeline }) => pipeline))];
    const placeOf = ({ row }: Schedule): [number, number, number] => {
      const inFile = loaded.pipelines.get(row.pipeline)?.schedules ?? [];
      const place = inFile.findIndex((one) => one.id === row.id);
      return [
        pipelines.indexOf(row.pipeline),
        place < 0 ? inFile.length : place,
        known.indexOf(row.id),
      ];
    };
    const placed = [...fresh.values()].map((schedule) => ({ schedule, place: placeOf(schedule) }));
    placed.sort(({ place: a }, { place: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    schedules = new Map(placed.map(({ schedule }) => [schedule.row.id, schedule]));
  };

  return {
    refresh,
    open: async () => {
      const before = schedules;
      const known = new Map((await store.schedules()).map((row) => [row.id, row]));
      for (const [pipeline, entry] of loaded.pipelines) {
        for (const { id, written } of entry.schedules)
          await syncFile(known, pipeline, entry.file, id, written as Written);
        for (const row of known.values()) {
          if (
            row.pipeline !== pipeline ||
            row.file === null ||
            entry.schedules.some(({ id }) => id === row.id)
          )
            continue;
          const at = now();
          const msg = `${entry.file} has no schedule ${row.id} any more; it stops`;
          const event: NewEvent = {
            stage: 'scheduler',
            event: 'changed',
            severity: 'warning',
            msg,
            data: { schedule: row.id, by: entry.file, command: 'DELETE' },
          };
          await store.saveSchedule(
            { ...row, file: null, version: row.version + 1, updatedAt: at },
            row.version,
            [event],
            at,
          );
        }
      }
      await refresh();
      const other = [...schedules.values()].filter(({ row, days }) => {
        const old = before.get(row.id);
        return old !== undefined && !same(listed(old.days), listed(days));
      });
      return [...new Set(other.map(({ row }) => row.pipeline))];
    },
    all: () => [...schedules.values()],
    find: (id) => schedules.get(id),
  };
};
