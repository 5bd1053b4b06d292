/** The five fields of a crontab line, as crontab(5) has them; nothing that only other crons know. */
const fields = [
  { name: 'minute', low: 0, high: 59, names: [] },
  { name: 'hour', low: 0, high: 23, names: [] },
  { name: 'day of month', low: 1, high: 31, names: [] },
  {
    name: 'month',
    low: 1,
    high: 12,
    names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
  },
  { name: 'day of week', low: 0, high: 7, names: 'sun mon tue wed thu fri sat'.split(' ') },
] as const;
type Field = (typeof fields)[number];

const isStar = (text: string): boolean => text.startsWith('*');

const numberOf = (text: string, { names, low, high }: Field): number | null => {
  const named = (names as readonly string[]).indexOf(text);
  const value =
    named >= 0 ? named + (low === 1 ? 1 : 0) : /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return value >= low && value <= high ? value : null;
};

/** One part of a list. @returns it with numbers for names; null when crontab(5) does not have it */
const partOf = (text: string, field: Field): string | null => {
  const [, range = '', step] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  if (step !== undefined && Number(step) === 0) return null;
  const every = step === undefined || step === '1' ? '' : `/${Number(step)}`;
  if (range === '*') return `*${every}`;
  const [from = '', to, more] = range.split('-');
  const low = numberOf(from, field);
  if (low === null || more !== undefined) return null;
  if (to === undefined) return step === undefined ? String(low) : null;
  const high = numberOf(to, field);
  if (high === null || high < low) return null;
  // A step that comes to 7 means Sunday, which is 0 to whoever counts from there.
  return field.high === 7 && high === 7 && every !== ''
    ? steps(low, Number(step))
    : `${low}-${high}${every}`;
};
const steps = (from: number, step: number): string => {
  const days = new Set<number>();
  for (let day = from; day <= 7; day += step) days.add(day % 7);
  return [...days].sort((a, b) => a - b).join(',');
};

/**
 * The times of a crontab line as a pattern that our schedules read alike. @throws Error that names
 * the field at fault
 */
export const cronOf = (written: readonly string[]): string => {
  const read = fields.map((field, index) => {
    const text = (written[index] ?? '').toLowerCase();
    const parts = text.split(',').map((part) => partOf(part, field));
    if (parts.includes(null))
      throw new Error(`the ${field.name} \`${written[index]}\` is not one that crontab(5) has`);
    if (!parts.includes('*')) return parts.join(',');
    // What stands beside a star adds nothing. Only a star that comes first counts as one where days are compared.
    return isStar(text) ? '*' : `${field.low}-${field.high}`;
  });
  const [minute, hour, day = '', month, weekday = ''] = read;
  // Two days that are named are either, one that begins with a star is both (crontab(5)); `+` says both to our schedules.
  const isBoth =
    day !== '*' && weekday !== '*' && (isStar(written[2] ?? '') || isStar(written[4] ?? ''));
  return [minute, hour, day, month, isBoth ? `+${weekday}` : weekday].join(' ');
};
