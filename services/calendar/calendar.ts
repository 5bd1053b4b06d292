import { type ScheduleDefinition, weekdays } from '../../definition/schedule.ts';
import { instantOfMoment } from './moment.ts';
import type { Zone } from './zone.ts';

/** Why a slot is left out by the schedule itself, before anybody looks at runs. */
export type Skip = {
  reason: 'blackout' | 'weekend' | 'skip-day' | 'dst-gap' | 'dst-fold';
  detail: string;
};
/** Days without slots: `2026-12-25`, or `12-25` for every year, and what they are called. */
export type SkipDays = ReadonlyMap<string, string>;

const minuteMs = 60_000;
const dayMs = 86_400_000;
const minutesOf = (clock: string): number =>
  Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/**
 * One day a line, `2026-12-25 Christmas Day`; `#` begins a comment. @throws Error that names the
 * line, never its content
 */
export const parseSkipDays = (text: string): SkipDays => {
  const days = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/#.*$/, '').trim();
    if (content === '') continue;
    const [, date, name = ''] = /^((?:\d{4}-)?\d{2}-\d{2})(?:[\s,;]+(.*))?$/.exec(content) ?? [];
    if (date === undefined)
      throw new Error(`line ${index + 1}: expected a date such as 2026-12-25, and its name`);
    days.set(date, name.trim());
  }
  return days;
};

/** What keeps a slot from running, judged by its local time; null when nothing does. */
export const createSkipRule = (definition: ScheduleDefinition, zone: Zone, fileDays: SkipDays) => {
  const days = new Map([
    ...(definition.skip_days.dates ?? []).map((date) => [date, ''] as const),
    ...fileDays,
  ]);
  const windows = definition.blackout.map(({ from, to, days: on, reason }) => {
    const named = reason ? `: ${reason}` : '';
    if (from.length > 5) {
      const [begin, end] = [instantOfMoment(from, zone), instantOfMoment(to, zone)];
      return {
        holds: (instant: number) => begin <= instant && instant < end,
        detail: `blackout from ${from} to ${to}${named}`,
      };
    }
    const [begin, end] = [minutesOf(from), minutesOf(to)];
    const holds = (_instant: number, local: number): boolean => {
      const minute = Math.floor((local % dayMs) / minuteMs);
      const isAfterMidnight = begin >= end && minute < end;
      const isInside =
        begin < end ? begin <= minute && minute < end : minute >= begin || minute < end;
      // A window over midnight belongs to the day on which it begins.
      const weekday = weekdays[new Date(isAfterMidnight ? local - dayMs : local).getUTCDay()];
      return isInside && (!on || on.includes(weekday as (typeof weekdays)[number]));
    };
    return {
      holds,
      detail: `blackout ${from} to ${to}${on ? ` on ${on.join(', ')}` : ''}${named}`,
    };
  });
  return (instant: number): Skip | null => {
    const local = zone.toLocal(instant);
    const window = windows.find(({ holds }) => holds(instant, local));
    if (window) return { reason: 'blackout', detail: window.detail };
    if (!definition.skip_days.weekends && days.size === 0) return null;
    const date = new Date(local).toISOString().slice(0, 10);
    const weekday = new Date(local).getUTCDay();
    if (definition.skip_days.weekends && (weekday === 0 || weekday === 6))
      return { reason: 'weekend', detail: `${date} is a ${weekday === 0 ? 'Sunday' : 'Saturday'}` };
    const name = days.get(date) ?? days.get(date.slice(5));
    return name === undefined
      ? null
      : { reason: 'skip-day', detail: `${date} is a day without runs${name ? `: ${name}` : ''}` };
  };
};
