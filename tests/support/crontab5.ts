/**
 * The times of a crontab line by the words of crontab(5) and what vixie cron does where they are silent: an oracle that
 * shares nothing with our planner. Sets of numbers, and a walk from day to day.
 */
const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const days = 'sun mon tue wed thu fri sat'.split(' ');

const setOf = (text: string, low: number, high: number, names: string[] = []): Set<number> => {
  const numberOf = (word: string): number =>
    names.includes(word) ? names.indexOf(word) + (low === 1 ? 1 : 0) : Number(word);
  const all = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [from = '', to = from] = range === '*' ? [String(low), String(high)] : range.split('-');
    for (let n = numberOf(from); n <= numberOf(to); n += Number(step)) all.add(n);
  }
  return all;
};

/** The next `count` instants after `from`, in UTC. */
export const nextByCrontab5 = (
  [minute, hour, day, month, weekday]: readonly [string, string, string, string, string],
  from: number,
  count: number,
): string[] => {
  const minutes = [...setOf(minute, 0, 59)].sort((a, b) => a - b);
  const hours = [...setOf(hour, 0, 23)].sort((a, b) => a - b);
  const dayNumbers = setOf(day, 1, 31);
  const monthNumbers = setOf(month, 1, 12, months);
  const weekdays = setOf(weekday, 0, 7, days);
  if (weekdays.has(7)) weekdays.add(0);
  // A field that begins with a star restricts nothing by itself, so both have to hold; two that do are either.
  const isBoth = day.startsWith('*') || weekday.startsWith('*');
  const found: string[] = [];
  const first = new Date(from);
  for (let n = 0; found.length < count && n < 40 * 366; n += 1) {
    const date = new Date(
      Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), first.getUTCDate() + n),
    );
    const isDay = dayNumbers.has(date.getUTCDate());
    const isWeekday = weekdays.has(date.getUTCDay());
    if (!monthNumbers.has(date.getUTCMonth() + 1)) continue;
    if (isBoth ? !(isDay && isWeekday) : !(isDay || isWeekday)) continue;
    for (const h of hours)
      for (const m of minutes) {
        const at = date.getTime() + (h * 60 + m) * 60_000;
        if (at > from && found.length < count) found.push(new Date(at).toISOString());
      }
  }
  return found;
};
