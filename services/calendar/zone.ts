/**
 * A stretch of time in which a zone's clocks have one distance from UTC. Local times are
 * milliseconds as if they were UTC.
 */
type Span = { from: number; to: number; offsetMs: number };
export type Zone = {
  /** The span that holds an instant; `to` may come early where nothing changes. */
  spanAt(instant: number): Span;
  toLocal(instant: number): number;
  /**
   * Every instant at which the clocks show a local time: one, two in a repeated hour, none in a
   * gap.
   */
  instantsOf(local: number): number[];
  /**
   * The instant of a local time; in a gap the moment of the shift, in a repeated hour the first.
   */
  instantOf(local: number): number;
};

const dayMs = 86_400_000;
/** A span is looked for this far; a zone without changes is a row of such spans. */
const horizonMs = 400 * dayMs;
/** No zone is further from UTC than this. */
const maxOffsetMs = 15 * 3_600_000;

const zones = new Map<string, Zone>();

/**
 * A zone's clock changes, found by asking Intl for its clocks and kept. @throws RangeError when
 * there is no such zone
 */
export const zoneOf = (name: string): Zone => {
  const known = zones.get(name);
  if (known) return known;
  const zone = createZone(name);
  zones.set(name, zone);
  return zone;
};

const createZone = (timeZone: string): Zone => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offsetAt = (instant: number): number => {
    const seconds = Math.floor(instant / 1000) * 1000;
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(seconds)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
  };
  let spans: Span[] = [];
  let latest: Span | null = null;

  /**
   * The first instant after `low` with another offset; `high` is known to have one. Changes are on
   * whole seconds.
   */
  const changeBetween = (low: number, high: number, offsetMs: number): number => {
    let [before, after] = [Math.floor(low / 1000), Math.ceil(high / 1000)];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offsetAt(middle * 1000) === offsetMs) before = middle;
      else after = middle;
    }
    return after * 1000;
  };
  /** A day at a time: no zone changes its clocks twice within one. */
  const findSpan = (instant: number): Span => {
    const offsetMs = offsetAt(instant);
    let to = instant;
    while (to - instant < horizonMs && offsetAt(to + dayMs) === offsetMs) to += dayMs;
    const ends = to - instant < horizonMs ? changeBetween(to, to + dayMs, offsetMs) : to;
    let from = instant;
    while (instant - from < horizonMs && offsetAt(from - dayMs) === offsetMs) from -= dayMs;
    if (instant - from >= horizonMs) return { from, to: ends, offsetMs };
    const earlier = offsetAt(from - dayMs);
    return { from: changeBetween(from - dayMs, from, earlier), to: ends, offsetMs };
  };
  const spanAt = (instant: number): Span => {
    // Slot after slot asks about the same span.
    if (latest && latest.from <= instant && instant < latest.to) return latest;
    latest = spans.find(({ from, to }) => from <= instant && instant < to) ?? null;
    if (latest) return latest;
    // Questions come in order and about the near future; a few years of spans are all that is ever
    // looked at together.
    if (spans.length > 40) spans = [];
    const found = findSpan(instant);
    spans.push(found);
    latest = found;
    return found;
  };
  const instantsOf = (local: number): number[] => {
    const offsets = new Set<number>();
    for (let at = local - maxOffsetMs; at <= local + maxOffsetMs; at = spanAt(at).to)
      offsets.add(spanAt(at).offsetMs);
    const found = [...offsets]
      .map((offsetMs) => local - offsetMs)
      .filter((at) => spanAt(at).offsetMs === local - at);
    return found.sort((a, b) => a - b);
  };
  return {
    spanAt,
    toLocal: (instant) => instant + spanAt(instant).offsetMs,
    instantsOf,
    instantOf: (local) => {
      const [first] = instantsOf(local);
      if (first !== undefined) return first;
      let span = spanAt(local - maxOffsetMs);
      while (span.to + spanAt(span.to).offsetMs <= local) span = spanAt(span.to);
      return span.to;
    },
  };
};
