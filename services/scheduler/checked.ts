import { validateParams } from '../../definition/params.ts';
import { type ScheduleDefinition, scheduleOf } from '../../definition/schedule.ts';
import { paramsOfSlot } from '../../definition/slot-params.ts';
import { anySlot } from '../../definition/slot-values.ts';
import type { SkipDays } from '../calendar/calendar.ts';
import { readSkipDays } from '../calendar/skip-days.ts';
import { type FieldError, ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { Written } from '../store/slot-store.ts';
import { parseWritten } from './schedule-registry.ts';

type Checked = { definition: ScheduleDefinition; days: SkipDays };
const fail = (errors: FieldError[]): ServiceError =>
  new ServiceError('invalid-schedule', 'the schedule is invalid', { errors });

/** Null is the default, which is what a field has that is not there. */
export const withoutNulls = (written: Written): Written =>
  Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null));

/**
 * Checks the fields of a schedule as a whole. @throws unknown-pipeline, invalid-schedule with each
 * fault at its field
 */
export const checkedIn = async (
  lookup: RunLookup,
  pipeline: string,
  written: Written,
): Promise<Checked> => {
  const { definition, projectDir } = lookup.requirePipeline(pipeline);
  const parsed = parseWritten(written, definition.timezone);
  if ('faults' in parsed) throw fail(parsed.faults);
  const params = validateParams(definition, paramsOfSlot(parsed.file.params ?? {}, anySlot));
  if (!params.ok) throw fail(params.errors);
  const days = await readSkipDays(parsed.file, projectDir).catch((error: Error) => {
    throw fail([{ pointer: '/skip_days/file', detail: error.message }]);
  });
  return { definition: scheduleOf(parsed.file, definition.timezone), days };
};

/**
 * A schedule of no pipeline: in UTC unless it says otherwise, and without calendar files. @throws
 * invalid-schedule
 */
export const checkedAlone = (written: Written): Checked => {
  const parsed = parseWritten({ ...written, skip_days: undefined }, 'UTC');
  if ('faults' in parsed) throw fail(parsed.faults);
  return { definition: scheduleOf(parsed.file, 'UTC'), days: new Map() };
};
