import { Cron } from 'croner';
import { patternOf } from '../../definition/schedule.ts';

export type CronPattern = {
  /**
   * The next matching local time after `local`; null when there is none within croner's reach.
   * Local times are as if UTC.
   */
  nextAfter(local: number): number | null;
};

const fields = [
  ['second', '0 to 59'],
  ['minute', '0 to 59'],
  ['hour', '0 to 23'],
  ['day of month', '1 to 31, L or a weekday such as 15W'],
  ['month', '1 to 12 or JAN to DEC'],
  ['day of week', '0 (Sunday) to 7 or SUN to SAT'],
] as const;

/**
 * croner is asked about a calendar without zones only (an offset of 0 is ten times as fast as UTC):
 * what clocks do is our planner's matter.
 */
const inUtc = (pattern: string): Cron =>
  new Cron(pattern, { utcOffset: 0, mode: '5-or-6-parts', paused: true });

/**
 * A pattern of five fields, or six with seconds, or a preset such as `@daily`. @throws Error that
 * names the field at fault
 */
export const parseCron = (cron: string): CronPattern => {
  const pattern = patternOf(cron);
  const given = pattern.split(' ');
  if (pattern.startsWith('@'))
    throw new Error(
      `there is no preset ${cron}; known are @yearly, @monthly, @weekly, @daily and @hourly`,
    );
  if (given.length < 5 || given.length > 6 || given.includes(''))
    throw new Error(
      `expected 5 fields (minute, hour, day of month, month, day of week) or 6 with seconds before them, got ${given[0] === '' ? 0 : given.length}`,
    );
  const offset = fields.length - given.length;
  for (const [index, text] of given.entries()) {
    const alone = fields.map((_, at) => (at === index + offset ? text : '*')).join(' ');
    try {
      inUtc(alone);
    } catch {
      const [name, range] = fields[index + offset] as (typeof fields)[number];
      throw new Error(
        `field ${index + 1} (${name}) is \`${text}\`; expected ${range}, *, a list, a range or a step`,
      );
    }
  }
  const job = inUtc(pattern);
  return { nextAfter: (local) => job.nextRun(new Date(local))?.getTime() ?? null };
};
