import { weekdays } from '../../definition/schedule.ts';
import { clockText, dateText } from '../calendar/moment.ts';
import type { Zone } from '../calendar/zone.ts';

/** A time as people say it, found on the clocks of a zone. */
export type AskedTime = {
  /** The first instant that is meant, and the first that is not any more: a minute, where no seconds were named. */
  at: number;
  until: number;
  readAs: string;
  /** What the clocks of the zone did to it; null = nothing. */
  clocks: string | null;
};

const names: readonly string[] = weekdays;
const dayMs = 86_400_000;
const minuteMs = 60_000;
export const timeWords =
  'expected a time such as 17:30, "yesterday 17:30", "mon 17:30", 2026-11-24T17:30 or 2026-11-24T17:30:00+01:00';

const clockForm =
  /^(?:(today|yesterday|sun|mon|tue|wed|thu|fri|sat)[a-z]* )?(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const dateForm =
  /^(\d{4}-\d{2}-\d{2})(?:[t ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?(z|[+-]\d{2}:?\d{2})?)?$/;

/** Milliseconds of a day; null = no clock shows it. */
const clockMs = (hour: string, minute: string, second: string | undefined): number | null => {
  const [h, m, s] = [Number(hour), Number(minute), Number(second ?? 0)];
  return h < 24 && m < 60 && s < 60 ? Math.round(((h * 60 + m) * 60 + s) * 1000) : null;
};
const midnightOf = (date: string): number | null => {
  const at = Date.parse(`${date}T00:00:00Z`);
  // The 31st of February is read as a day of March.
  const isDay = !Number.isNaN(at) && dateText(at) === date;
  return isDay && date >= '1970' && date < '2200' ? at : null;
};
const offsetMs = (offset: string): number => {
  if (offset === 'z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * minuteMs;
};

/** A local time → its instant, with what is to be said where the clocks show it never, or twice. */
const onClocks = (
  local: number,
  isMinute: boolean,
  day: string,
  zone: Zone,
  name: string,
): AskedTime => {
  const [first, second] = zone.instantsOf(local);
  const at = first ?? zone.instantOf(local);
  const said = `${clockText(local)} on ${dateText(local)}`;
  return {
    at,
    until: at + (isMinute ? minuteMs : 1000),
    readAs: `${said}${day} in ${name}`,
    clocks:
      first === undefined
        ? `${said} does not exist in ${name}: the clocks went forward to ${clockText(zone.toLocal(at))} there`
        : second === undefined
          ? null
          : `${said} came twice in ${name}, because the clocks went back; the first time is meant`,
  };
};

/** The day that is meant: without a word the latest on which the clocks have shown it already. */
const dayOf = (word: string | undefined, clock: number, nowLocal: number): number => {
  const today = nowLocal - (((nowLocal % dayMs) + dayMs) % dayMs);
  if (word === 'today') return today;
  if (word === 'yesterday') return today - dayMs;
  const isPast = today + clock <= nowLocal;
  if (word === undefined) return isPast ? today : today - dayMs;
  const wanted = names.indexOf(word);
  const back = (new Date(today).getUTCDay() - wanted + 7) % 7;
  return today - (back === 0 && !isPast ? 7 : back) * dayMs;
};

/** @returns null when it is no time */
export const askedTime = (
  text: string,
  now: number,
  zone: Zone,
  name: string,
): AskedTime | null => {
  const asked = text.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  const nowLocal = zone.toLocal(now);
  const byClock = clockForm.exec(asked);
  if (byClock) {
    const [, word, hour = '', minute = '', second] = byClock;
    const clock = clockMs(hour, minute, second);
    if (clock === null) return null;
    const day = dayOf(word, clock, nowLocal);
    const back = Math.floor(nowLocal / dayMs) - day / dayMs;
    const said = back === 0 ? ' (today)' : back === 1 ? ' (yesterday)' : '';
    return onClocks(day + clock, second === undefined, said, zone, name);
  }
  const [, date = '', hour = '00', minute = '00', second, offset] = dateForm.exec(asked) ?? [];
  const midnight = midnightOf(date);
  const clock = clockMs(hour, minute, second);
  if (midnight === null || clock === null) return null;
  const isMinute = second === undefined;
  if (offset === undefined) return onClocks(midnight + clock, isMinute, '', zone, name);
  const at = midnight + clock - offsetMs(offset);
  const local = zone.toLocal(at);
  return {
    at,
    until: at + (isMinute ? minuteMs : 1000),
    readAs: `${clockText(local)} on ${dateText(local)} in ${name}`,
    clocks: null,
  };
};
