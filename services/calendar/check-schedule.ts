import { type ScheduleFile, scheduleOf } from '../../definition/schedule.ts';
import { paramFaults } from '../../definition/slot-params.ts';
import { parseCron } from './cron.ts';
import { instantOfMoment } from './moment.ts';
import { zoneOf } from './zone.ts';

/**
 * What the shape cannot say: does the pattern hold, is there any time between start and end, and does `${…}` say something of the
 * slot?
 */
export const checkSchedule = (
  file: ScheduleFile,
  timezone: string,
): { field: string; detail: string }[] => {
  const faults: { field: string; detail: string }[] = [];
  const definition = scheduleOf(file, timezone);
  const zone = zoneOf(definition.timezone);
  if ('cron' in definition.times)
    try {
      if (parseCron(definition.times.cron).nextAfter(0) === null)
        faults.push({ field: 'cron', detail: 'there is no such day in any year' });
    } catch (error) {
      faults.push({ field: 'cron', detail: (error as Error).message });
    }
  const { start, end } = definition;
  if (start !== null && end !== null && instantOfMoment(start, zone) >= instantOfMoment(end, zone))
    faults.push({ field: 'end', detail: 'must be later than start' });
  for (const [index, { from, to }] of definition.blackout.entries())
    if (from.length > 5 && instantOfMoment(from, zone) >= instantOfMoment(to, zone))
      faults.push({ field: `blackout/${index}/to`, detail: 'must be later than from' });
  for (const { pointer, detail } of paramFaults(file.params ?? {}))
    faults.push({ field: pointer.slice(1), detail });
  return faults;
};
