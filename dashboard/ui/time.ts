const two = (value: number): string => String(value).padStart(2, '0');

/** `940 ms`, `12.4 s`, `3 min 12 s`, `2 h 05 min`, `1 d 3 h`: never more than two units. */
export const duration = (ms: number): string => {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
};

/**
 * The same for something that counts each second: whole seconds, so that the width does not jump.
 */
export const counted = (ms: number): string =>
  ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : duration(ms);

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const minute = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayAndYear = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
});
const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' });
const full = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'long',
  hourCycle: 'h23',
});

export const clockTime = (ms: number): string => clock.format(ms);
export const minuteTime = (ms: number): string => minute.format(ms);
export const dayOf = (ms: number): string => day.format(ms);
export const fullTime = (ms: number): string => full.format(ms);
export const zoneName = (ms: number): string =>
  zone.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';

/**
 * A moment as short as can be said without doubt: the time today, else with its day, else with its
 * year.
 */
export const moment = (ms: number, now: number): string => {
  if (day.format(ms) === day.format(now) && Math.abs(now - ms) < 86_400_000)
    return clock.format(ms);
  const isThisYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
  return `${(isThisYear ? day : dayAndYear).format(ms)}, ${minute.format(ms)}`;
};

/** `just now`, `4 min ago`, `in 2 h`. */
export const relative = (ms: number, now: number): string => {
  const distance = Math.abs(ms - now);
  if (distance < 1000) return 'just now';
  const size =
    distance < 60_000
      ? `${Math.floor(distance / 1000)} s`
      : distance < 3_600_000
        ? `${Math.floor(distance / 60_000)} min`
        : distance < 172_800_000
          ? `${Math.floor(distance / 3_600_000)} h`
          : `${Math.floor(distance / 86_400_000)} days`;
  return ms < now ? `${size} ago` : `in ${size}`;
};

const zonedFormats = new Map<string, Intl.DateTimeFormat>();
const zonedFormat = (
  timeZone: string | undefined,
  isThisYear: boolean,
  hasSeconds: boolean,
): Intl.DateTimeFormat => {
  const key = `${timeZone} ${isThisYear} ${hasSeconds}`;
  const made =
    zonedFormats.get(key) ??
    new Intl.DateTimeFormat(undefined, {
      timeZone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(!isThisYear && { year: 'numeric' }),
      ...(hasSeconds && { second: '2-digit' }),
      timeZoneName: 'short',
    });
  zonedFormats.set(key, made);
  return made;
};
/** `Wed 25 Nov, 03:00 CET`: a moment as the clocks of a zone show it; without one, the reader's. */
export const zoned = (ms: number, timeZone?: string): string => {
  const isThisYear = new Date(ms).getFullYear() === new Date().getFullYear();
  return zonedFormat(timeZone, isThisYear, ms % 60_000 !== 0).format(ms);
};
const wall = (ms: number, timeZone?: string): string =>
  new Date(ms).toLocaleString('sv', { timeZone });
/**
 * What the reader's clocks show where those of the zone show something else; the day only where it
 * is another one.
 */
export const here = (ms: number, timeZone: string): string | null => {
  if (wall(ms) === wall(ms, timeZone)) return null;
  return wall(ms).slice(0, 10) === wall(ms, timeZone).slice(0, 10)
    ? `${minute.format(ms)} ${zoneName(ms)}`
    : zoned(ms);
};
