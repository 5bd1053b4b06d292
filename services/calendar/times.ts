import type { ScheduleDefinition } from '../../definition/schedule.ts';
import { type CronPattern, parseCron } from './cron.ts';
import { clockText, dateText, instantOfMoment } from './moment.ts';
import type { Zone } from './zone.ts';

/**
 * An instant the schedule means, and what clocks had to do with it. `gap` = only local times that do
 * not exist ask for it; `again` = it is the second time of a local time that runs once, by the
 * schedule's own word.
 */
export type Time = { instant: number; notes: string[]; clocks: 'gap' | 'again' | null };
/** Every time later than `after`, in order and each once. */
export type Times = (after: number) => Generator<Time>;

/** Nothing is looked for further away: leap days are at most eight years apart. */
const reachMs = 10 * 366 * 86_400_000;

/**
 * Local times of a pattern, span by span. Within a span local time and instants run alike; what a
 * shift forward leaves out is asked for at the shift, what a shift back repeats is there again
 * unless the schedule wants it once.
 */
const cronTimes = (
  pattern: CronPattern,
  zone: Zone,
  { dstGap, dstFold, saysOnce }: Pick<ScheduleDefinition, 'dstGap' | 'dstFold' | 'saysOnce'>,
): Times =>
  function* (after) {
    const until = after + reachMs;
    let span = zone.spanAt(after);
    let shiftMs = span.offsetMs - zone.spanAt(span.from - 1).offsetMs;
    while (span.from <= until) {
      const begins = span.from + span.offsetMs;
      let local = Math.max(after + span.offsetMs, begins - 1);
      // What runs once by default is no slot the second time; what was asked to is left out, and said.
      if (shiftMs < 0 && dstFold === 'once' && !saysOnce)
        local = Math.max(local, begins - shiftMs - 1);
      const lost =
        shiftMs > 0 && span.from > after ? lostTimes(pattern, begins - shiftMs, begins) : null;
      if (lost) {
        const isOwn = pattern.nextAfter(begins - 1) === begins;
        const then =
          dstGap === 'skip'
            ? 'left out'
            : isOwn
              ? `covered by the slot at ${clockText(begins)}`
              : `run once, at the shift, ${clockText(begins)}`;
        yield { instant: span.from, notes: [`${lost}: ${then}`], clocks: isOwn ? null : 'gap' };
        if (isOwn) local = begins;
      }
      const next = zone.spanAt(span.to);
      const nextShiftMs = next.offsetMs - span.offsetMs;
      for (;;) {
        const found = pattern.nextAfter(local);
        if (found === null) return;
        if (found - span.offsetMs >= span.to) break;
        const notes: string[] = [];
        const twice = (): string => `${clockText(found)} comes twice on ${dateText(found)}`;
        if (nextShiftMs < 0 && found >= span.to + next.offsetMs)
          notes.push(
            `${twice()}: ${dstFold === 'once' ? 'runs the first time only' : 'this is the first time'}`,
          );
        const isAgain = shiftMs < 0 && found < begins - shiftMs;
        const isOut = isAgain && dstFold === 'once';
        if (isAgain) notes.push(`${twice()}: this is the second time${isOut ? ', left out' : ''}`);
        yield { instant: found - span.offsetMs, notes, clocks: isOut ? 'again' : null };
        local = found;
      }
      // A span may be known from an earlier instant on; what was looked at is not looked at again.
      [span, shiftMs] = [{ ...next, from: span.to }, nextShiftMs];
    }
  };

/** Says which local times of the pattern a gap swallows; null when none. */
const lostTimes = (pattern: CronPattern, from: number, to: number): string | null => {
  const first = pattern.nextAfter(from - 1);
  if (first === null || first >= to) return null;
  const second = pattern.nextAfter(first);
  const isOne = second === null || second >= to;
  const date = dateText(first);
  return isOne
    ? `${clockText(first)} does not exist on ${date}`
    : `times from ${clockText(first)} to before ${clockText(to)} do not exist on ${date}`;
};

/** Every so often, counted from `start`, else from 1970: no clock change matters. */
const intervalTimes = (everyMs: number, anchor: number): Times =>
  function* (after) {
    for (let n = Math.max(0, Math.floor((after - anchor) / everyMs) + 1); ; n += 1)
      yield { instant: anchor + n * everyMs, notes: [], clocks: null };
  };

const listedTimes = (moments: string[], zone: Zone): Times => {
  const instants = [...new Set(moments.map((moment) => instantOfMoment(moment, zone)))].sort(
    (a, b) => a - b,
  );
  return function* (after) {
    for (const instant of instants) if (instant > after) yield { instant, notes: [], clocks: null };
  };
};

/** @throws Error when the cron pattern is invalid */
export const timesOf = (definition: ScheduleDefinition, zone: Zone): Times => {
  const { times, start } = definition;
  if ('at' in times) return listedTimes(times.at, zone);
  if ('everyMs' in times)
    return intervalTimes(times.everyMs, start === null ? 0 : instantOfMoment(start, zone));
  return cronTimes(parseCron(times.cron), zone, definition);
};
