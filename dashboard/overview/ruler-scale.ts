const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export const windows = { '1h': hour, '6h': 6 * hour, '24h': day, '7d': 7 * day } as const;
export type WindowName = keyof typeof windows;
export const isWindow = (name: string | null): name is WindowName =>
  name !== null && Object.hasOwn(windows, name);

/** A quarter of the ruler is the future: enough to see what is due, without hiding what was. */
const futureShare = 0.25;
const steps = [
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
];
const fewestTicks = 4;
const mostTicks = 9;

export type Scale = { from: number; to: number; ticks: number[]; at(ms: number): number };

/** From `window` ago to a third of it ahead, with ticks at round local times. */
export const scaleOf = (name: WindowName, now: number): Scale => {
  const past = windows[name];
  const from = now - past;
  const to = now + (past * futureShare) / (1 - futureShare);
  const step = steps.find((one) => (to - from) / one <= mostTicks) ?? (to - from) / fewestTicks;
  const zoneMs = new Date(now).getTimezoneOffset() * minute;
  const first = Math.ceil((from - zoneMs) / step) * step + zoneMs;
  const ticks: number[] = [];
  for (let tick = first; tick <= to; tick += step) ticks.push(tick);
  return { from, to, ticks, at: (ms) => (ms - from) / (to - from) };
};

/** The shortest window that reaches back to a moment; a day when there is none. */
export const windowFor = (at: number | null, now: number): WindowName =>
  at === null
    ? '24h'
    : ((['1h', '6h', '24h', '7d'] as const).find((name) => now - at < windows[name]) ?? '7d');
