import { plural } from '../ui/state-words.ts';
import type { Schedule } from '../use-reads.ts';

const units = [
  ['d', 'day', 86_400_000],
  ['h', 'hour', 3_600_000],
  ['m', 'minute', 60_000],
  ['s', 'second', 1000],
  ['ms', 'millisecond', 1],
] as const;

/** An interval in the largest unit that divides it, as a file writes it: `90m`. */
export const everyText = (ms: number): string => {
  const [short, , size] = units.find(([, , one]) => ms % one === 0) ?? units[4];
  return `${ms / size}${short}`;
};

/** `90m` in milliseconds; null while it is none yet. What holds is the service's to say. */
const msOf = (text: string): number | null => {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const size = units.find(([short]) => short === unit)?.[2];
  return count === undefined || size === undefined || Number(count) === 0
    ? null
    : Number(count) * size;
};

/** `Every 90 minutes`. */
export const everyInWords = (text: string): string | null => {
  const ms = msOf(text);
  const [, word, size] = units.find(([, , one]) => ms !== null && ms % one === 0) ?? [];
  if (ms === null || size === undefined) return null;
  return ms === size ? `Every ${word}` : `Every ${plural(ms / size, word ?? '')}`;
};

const momentFormat = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
  timeZone: 'UTC',
});
/** A time as it is written, on the clock it is written for. */
const momentInWords = (moment: string): string | null => {
  const [, local, zone = ''] =
    /^(\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/.exec(
      moment.trim(),
    ) ?? [];
  const ms =
    local === undefined ? Number.NaN : Date.parse(local.length === 10 ? local : `${local}Z`);
  if (Number.isNaN(ms)) return null;
  return `${momentFormat.format(ms)}${zone === '' ? '' : zone === 'Z' ? ' UTC' : ` at UTC${zone}`}`;
};

/** `Once, on …`, or how often and from when to when. */
export const momentsInWords = (moments: readonly string[]): string | null => {
  const words = moments.toSorted().map(momentInWords);
  const [first] = words;
  if (first === undefined || first === null || words.includes(null)) return null;
  return words.length === 1
    ? `Once: ${first}`
    : `${words.length} times, from ${first} to ${words.at(-1)}`;
};

/** When a schedule is due, as its file writes it. */
export const writtenOf = ({
  cron,
  every_ms,
  at,
}: Pick<Schedule, 'cron' | 'every_ms' | 'at'>): string =>
  cron ?? (every_ms === null ? (at ?? []).join(', ') : `every ${everyText(every_ms)}`);
