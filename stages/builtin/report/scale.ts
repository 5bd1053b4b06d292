/** Round values that cover a span in about so many steps: 1, 2, 2.5 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, steps: number): number[] {
  const top = high > low ? high : low + 1;
  const rough = (top - low) / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let index = Math.floor(low / step); (index - 1) * step < top; index += 1)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

/** A linear map of one span on another. */
export const linear = (from: [number, number], to: [number, number]) => (value: number) =>
  to[0] + ((value - from[0]) / (from[1] - from[0] || 1)) * (to[1] - to[0]);

const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** First days of months, quarters or years, whichever leaves no more than so many. */
export function timeTicks(from: number, to: number, most: number): { at: number; text: string }[] {
  for (const months of [1, 3, 6, 12, 24, 60, 120]) {
    const ticks: { at: number; text: string }[] = [];
    const start = new Date(from);
    for (
      let month = start.getUTCMonth() - (start.getUTCMonth() % Math.min(months, 12));
      ;
      month += months
    ) {
      const at = Date.UTC(start.getUTCFullYear(), month, 1);
      if (at > to) break;
      const date = new Date(at);
      const text =
        months >= 12 || date.getUTCMonth() === 0
          ? String(date.getUTCFullYear())
          : monthNames[date.getUTCMonth()]!;
      if (at >= from) ticks.push({ at, text });
    }
    if (ticks.length <= most) return ticks;
  }
  return [];
}

/** A number for people: grouped, a sign when it is a gain or a loss, a minus that is one. */
export const inWords = (value: number, digits = 2, signed = false): string => {
  const text = Math.abs(value).toLocaleString('en-US', { maximumFractionDigits: digits });
  if (text === '0') return '0';
  return value < 0 ? `−${text}` : signed ? `+${text}` : text;
};
export const dateInWords = (ms: number): string => {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${monthNames[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
};
