/**
 * A slot on two clocks: `utc` as `2027-03-14T09:00:00.000Z`, `local` in the schedule's zone with its
 * distance from UTC, `2027-03-14T03:00:00-06:00`.
 */
export type SlotTimes = { utc: string; local: string };

const shifted = /^date([+-])(\d{1,4})([dwm])$/;
const dayMs = 86_400_000;

/** Calendar months keep the day, or take the last one the month has. */
const shiftedDate = (date: string, count: number, unit: string): string => {
  const at = new Date(`${date}T00:00:00Z`);
  if (unit !== 'm')
    return new Date(at.getTime() + count * (unit === 'w' ? 7 : 1) * dayMs)
      .toISOString()
      .slice(0, 10);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() + count);
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  at.setUTCDate(Math.min(day, last));
  return at.toISOString().slice(0, 10);
};

/**
 * What `${slot.NAME}` stands for: `date`, `date-1d` (also `w`, and `m` for calendar months), `time`,
 * `local`, `utc`. @returns undefined when there is no such name
 */
export const slotValue = (name: string, { utc, local }: SlotTimes): string | undefined => {
  if (name === 'utc') return utc;
  if (name === 'local') return local;
  if (name === 'time') return local.slice(11, 19);
  const date = local.slice(0, 10);
  if (name === 'date') return date;
  const [, sign, count, unit] = shifted.exec(name) ?? [];
  return unit === undefined
    ? undefined
    : shiftedDate(date, Number(count) * (sign === '-' ? -1 : 1), unit);
};

/** A leap day, and a time that no zone leaves out: what fits here fits any slot. */
export const anySlot: SlotTimes = {
  utc: '2024-02-29T12:00:00.000Z',
  local: '2024-02-29T12:00:00+00:00',
};
export const slotNames =
  '${slot.date}, ${slot.date-1d} (or +, w, m), ${slot.time}, ${slot.local} and ${slot.utc}';

/** The name of `${slot.NAME}`; null when what stands between the braces is no such thing. */
export const slotNameOf = (inside: string): string | null => {
  const [, name] = /^slot\.(.+)$/.exec(inside.trim()) ?? [];
  return name !== undefined && slotValue(name, anySlot) !== undefined ? name : null;
};
