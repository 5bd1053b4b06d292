import { type Bar, barsOf, sampleSpecs } from './bars.ts';
import { createRandom } from './random.ts';
import { daysFrom, isoDate, openMinutes } from './trading-days.ts';

export type SampleOrder = {
  instruments: string[];
  /** First UTC date. */
  from: string;
  days: number;
  seed: number;
  /**
   * With a few rows that no translator should take, minutes that are missing and minutes that come
   * twice.
   */
  awkward: boolean;
};
/** `path` below the raw folder. `bars` are those a translator should find in it. */
export type SampleFile = {
  path: string;
  text: string;
  bars: Bar[];
  rejected: number;
  duplicates: number;
};

const header = 'timestamp_utc,open,high,low,close,volume\n';
const stamp = (utc: number) => `${new Date(utc).toISOString().slice(0, 19)}Z`;
const rowOf = ({ utc, open, high, low, close, volume }: Bar) =>
  `${stamp(utc)},${open},${high},${low},${close},${volume}\n`;

/**
 * Every file of the order, one per instrument and UTC date, made when it is asked for; the same
 * order gives the same bytes.
 */
export function* sampleFiles({
  instruments,
  from,
  days,
  seed,
  awkward,
}: SampleOrder): Generator<SampleFile> {
  for (const instrument of instruments) {
    const spec = sampleSpecs[instrument];
    if (!spec)
      throw new RangeError(
        `no sample bars of ${instrument}; there are ${Object.keys(sampleSpecs).join(', ')}`,
      );
    for (const day of daysFrom(from, days)) {
      const bars = barsOf(spec, openMinutes(day), seed, instrument);
      const date = isoDate(day);
      const path = `${instrument}/1m/${date.slice(0, 4)}/${date.slice(5, 7)}/${instrument}_1m_${date}.csv`;
      yield {
        path,
        ...(awkward
          ? withFaults(bars, createRandom(seed, 'faults', instrument, date))
          : plain(bars)),
      };
    }
  }
}

const plain = (bars: Bar[]) => ({
  text: header + bars.map(rowOf).join(''),
  bars,
  rejected: 0,
  duplicates: 0,
});

/**
 * One day in four has missing minutes, and one in six a bad row or a minute twice: few enough for
 * any threshold.
 */
function withFaults(all: Bar[], random: ReturnType<typeof createRandom>) {
  const bars = random.next() < 0.25 ? all.filter(() => random.next() > 0.02) : all;
  const rows = bars.map(rowOf);
  let [rejected, duplicates] = [0, 0];
  const at = () => Math.floor(random.next() * rows.length);
  if (bars.length > 0 && random.next() < 0.17) {
    const bar = bars[at()]!;
    const bad = [
      rowOf(bar).replace('Z,', ','),
      rowOf({ ...bar, high: bar.low, low: bar.high + 1 }),
      rowOf({ ...bar, utc: bar.utc + 50 * 365 * 86_400_000 }),
      `${stamp(bar.utc)},${bar.open},,${bar.low},${bar.close},${bar.volume}\n`,
      `${stamp(bar.utc)},${bar.open}\n`,
    ];
    rows.splice(at(), 0, bad[Math.floor(random.next() * bad.length)]!);
    rejected = 1;
  }
  if (bars.length > 0 && random.next() < 0.17) {
    // The first of the two is the wrong one: the last one is kept.
    const index = Math.floor(random.next() * bars.length);
    rows.unshift(rowOf({ ...bars[index]!, volume: 0 }));
    duplicates = 1;
  }
  return { text: header + rows.join(''), bars, rejected, duplicates };
}
