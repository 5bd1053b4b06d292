/**
 * The opening-range rules once more, in straight loops over bars and without a line of the stage's:
 * what the stage is compared with, row by row. Times are exchange time, written as if it were UTC,
 * in ms.
 */
export type ReferenceBar = { time: number; open: number; high: number; low: number; close: number };
export type ReferenceRow = Record<string, string | number | null>;

const sessions = [
  { session: 'S1', start: '02:00', slots: ['07:30', '08:00', '09:00'] },
  { session: 'S2', start: '08:00', slots: ['09:30', '10:00', '10:30', '11:00'] },
];
const minute = 60_000;
const day = 1440 * minute;
const clock = (text: string) => (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * minute;
const round = (value: number) => Math.round(value * 1e8) / 1e8;
const iso = (time: number) => new Date(time).toISOString();

const formatters = new Map<string, Intl.DateTimeFormat>();
/** Exchange time of an instant, by the platform's own zone data. */
export function exchangeTime(utc: number, timeZone = 'America/Chicago'): number {
  let format = formatters.get(timeZone);
  if (!format) {
    const fields = {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    } as const;
    format = new Intl.DateTimeFormat('sv-SE', { timeZone, hourCycle: 'h23', ...fields });
    formatters.set(timeZone, format);
  }
  return Date.parse(`${format.format(utc).replace(' ', 'T')}Z`);
}

export function referenceBreakouts(
  bars: ReferenceBar[],
  instrument: string,
  tick: number,
  target: number,
): ReferenceRow[] {
  const dates = [...new Set(bars.map(({ time }) => Math.floor(time / day) * day))].filter(
    (date) => {
      const weekday = new Date(date).getUTCDay();
      return (
        weekday > 0 &&
        weekday < 6 &&
        bars.some(({ time }) => time >= date + clock('02:00') && time < date + clock('16:00'))
      );
    },
  );
  const rows: ReferenceRow[] = [];
  for (const [index, date] of dates.entries())
    for (const { session, start, slots } of sessions)
      for (const slot of slots) {
        const frozen = date + clock(slot);
        const range = bars.filter(({ time }) => time >= date + clock(start) && time < frozen);
        const later = bars.filter(({ time }) => time >= frozen);
        const next = dates[index + 1];
        const expiry = next === undefined ? null : next + clock(slot);
        const row = {
          date: iso(date),
          slot,
          session,
          instrument,
          stream: `${instrument}-${session}`,
        };
        rows.push({
          ...row,
          ...trade({ range, later, frozen, end: date + clock('16:00'), expiry, tick, target }),
        });
      }
  return rows;
}

type Setup = {
  range: ReferenceBar[];
  later: ReferenceBar[];
  frozen: number;
  end: number;
  expiry: number | null;
  tick: number;
  target: number;
};

function trade({ range, later, frozen, end, expiry, tick, target }: Setup): ReferenceRow {
  const high = Math.max(...range.map((bar) => bar.high));
  const low = Math.min(...range.map((bar) => bar.low));
  const size = range.length > 0 ? round(high - low) : null;
  const none = {
    direction: null,
    entry_time: null,
    entry_price: null,
    exit_time: null,
    exit_price: null,
    stop: null,
    target: null,
  };
  const noTrade = { ...none, peak: null, range: size, result: 'NoTrade', profit: 0 };
  if (!size) return noTrade;
  const up = round(high + tick);
  const down = round(low - tick);
  const first = later.findIndex((bar) => bar.time < end && (bar.high >= up || bar.low <= down));
  const entryBar = later[first];
  if (!entryBar) return noTrade;
  let side = 0;
  if (entryBar.time === frozen && entryBar.close >= up) side = 1;
  else if (entryBar.time === frozen && entryBar.close <= down) side = -1;
  else if (entryBar.high >= up && entryBar.low <= down) return noTrade;
  else side = entryBar.high >= up ? 1 : -1;

  const entry = side === 1 ? up : down;
  const stop = Math.min(size, round(3 * target));
  const targetPrice = round(entry + side * target);
  const movePrice = round(entry + side * 0.65 * target);
  let stopPrice = round(entry - side * stop);
  let moved = false;
  let peak = 0;
  let last = entryBar;
  const done = (
    result: string,
    exitTime: number | null,
    exitPrice: number | null,
  ): ReferenceRow => ({
    direction: side === 1 ? 'Long' : 'Short',
    entry_time: iso(entryBar.time),
    entry_price: entry,
    exit_time: exitTime === null ? null : iso(exitTime),
    exit_price: exitPrice,
    stop,
    target,
    peak: result === 'Win' ? target : round(peak),
    range: size,
    result,
    profit: exitPrice === null ? null : round(side * (exitPrice - entry)),
  });
  for (const bar of later.slice(first)) {
    if (expiry !== null && bar.time >= expiry) return done('TIME', expiry, last.close);
    last = bar;
    const best = side === 1 ? bar.high : bar.low;
    const worst = side === 1 ? bar.low : bar.high;
    peak = Math.max(peak, side * (best - entry));
    const hitsTarget = side * (best - targetPrice) >= 0;
    const hitsStop = side * (worst - stopPrice) <= 0;
    const isNearer = Math.abs(bar.close - targetPrice) < Math.abs(bar.close - stopPrice);
    if (hitsTarget && (!hitsStop || isNearer)) return done('Win', bar.time, targetPrice);
    if (hitsStop) return done(moved ? 'BE' : 'Loss', bar.time, stopPrice);
    if (!moved && side * (best - movePrice) >= 0) {
      moved = true;
      stopPrice = round(entry - side * tick);
    }
  }
  return done('OPEN', null, null);
}
