import { createRandom, type Random } from './random.ts';
import type { Minute } from './trading-days.ts';

/**
 * How an instrument of the samples moves; made up, near the real thing's size. `move`: ticks a
 * minute in a quiet hour.
 */
export type SampleSpec = { price: number; tick: number; move: number; volume: number };
export const sampleSpecs: Readonly<Record<string, SampleSpec>> = {
  ES: { price: 5200, tick: 0.25, move: 1.6, volume: 180 },
  NQ: { price: 18200, tick: 0.25, move: 9, volume: 90 },
  YM: { price: 39000, tick: 1, move: 4.5, volume: 40 },
  CL: { price: 78, tick: 0.01, move: 2.2, volume: 110 },
  NG: { price: 2.6, tick: 0.001, move: 1.6, volume: 60 },
  GC: { price: 2350, tick: 0.1, move: 2.8, volume: 70 },
  RTY: { price: 2080, tick: 0.1, move: 3.2, volume: 50 },
};

export type Bar = {
  utc: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
};

/** Busier around the opening of the stock exchange, 8:30 to 10:00, and sleepy at night. */
const activity = (ofDay: number) =>
  ofDay >= 510 && ofDay < 600 ? 2.6 : ofDay >= 420 && ofDay < 900 ? 1.5 : 0.6;

/**
 * The bars of some minutes of one UTC day: a walk in ticks that leans a little to where it was
 * heading, so that ranges break and some breaks fail. Each day walks from the price that its date
 * alone decides, so days can be made in any order.
 * @param random of that instrument and day
 */
export function barsOf(
  spec: SampleSpec,
  minutes: Minute[],
  seed: number,
  instrument: string,
): Bar[] {
  if (minutes.length === 0) return [];
  const random = createRandom(seed, instrument, minutes[0]!.utc);
  let price = Math.round((spec.price * swing(minutes[0]!.utc, instrument)) / spec.tick);
  let lean = random.normal() * 0.03;
  const bars: Bar[] = [];
  for (const { utc, ofDay } of minutes) {
    const busy = activity(ofDay);
    if (random.next() < 0.004) lean = random.normal() * 0.05;
    bars.push(walk(spec, random, { utc, from: price, step: spec.move * busy, lean }));
    price = Math.round(bars.at(-1)!.close / spec.tick);
  }
  return bars;
}

function walk(
  { tick, volume }: SampleSpec,
  random: Random,
  { utc, from, step, lean }: { utc: number; from: number; step: number; lean: number },
): Bar {
  const open = from + Math.round(random.normal() * 0.3);
  const close = open + Math.round((random.normal() + lean) * step);
  const high = Math.max(open, close) + Math.floor(random.next() * step);
  const low = Math.min(open, close) - Math.floor(random.next() * step);
  const [o, h, l, c] = [open, high, low, close].map(
    (ticks) => Math.round(ticks * tick * 1e6) / 1e6,
  ) as [number, number, number, number];
  return {
    utc,
    open: o,
    high: h,
    low: l,
    close: c,
    volume: Math.round(volume * (step / 2) * (0.5 + random.next())),
  };
}

/**
 * Slow waves instead of a sum over all earlier days. Sawtooth-shaped, because a sine's last digits
 * are the platform's.
 */
function swing(utc: number, instrument: string): number {
  const days = utc / 86_400_000 + instrument.charCodeAt(0) * 7;
  const wave = (period: number) => Math.abs(((days / period) % 1) * 2 - 1) - 0.5;
  return 1 + 0.12 * wave(260) + 0.05 * wave(61) + 0.02 * wave(17);
}
