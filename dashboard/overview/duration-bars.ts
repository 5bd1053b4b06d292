import type { Operations } from '../../client/operations.ts';
import { type Glyph, lookOfRun, plural, type Tone } from '../ui/state-words.ts';
import { quantile } from '../ui/statistics.ts';
import { duration, moment } from '../ui/time.ts';
import type { RunFacts } from '../use-reads.ts';

type JournalEvent = Operations['GET /api/events']['answer']['items'][number];
/** One bar: a run, or a slot of a schedule that became none. */
export type Bar = {
  key: string;
  href: string;
  text: string;
  tone: Tone;
  glyph: Glyph;
  height: number;
};
const lowest = 0.22;

const beginOf = ({ started_at, created_at }: RunFacts): number =>
  Date.parse(started_at ?? created_at ?? '');

const runText = (run: RunFacts, now: number): string => {
  const where = run.state === 'FAILED' && run.error?.stage ? ` in ${run.error.stage}` : '';
  const took = run.duration_ms === null ? '' : `, ${duration(run.duration_ms)}`;
  const at = beginOf(run);
  return `Run ${run.number}: ${lookOfRun(run).word.toLowerCase()}${where}${took}${Number.isNaN(at) ? '' : `, ${moment(at, now)}`}`;
};

/** What the scheduler says of a slot that did not become a run. */
const lostSlots: readonly string[] = ['skipped', 'missed', 'blocked', 'refused'];
const slotAt = ({ data, timestamp }: JournalEvent): number =>
  Date.parse(typeof data.slot === 'string' ? data.slot : timestamp);

/**
 * The last runs and the slots that became none, oldest first; height is duration, by its root so
 * that short ones can be seen.
 */
export const barsOf = (
  runs: readonly RunFacts[],
  said: readonly JournalEvent[],
  most: number,
  now: number,
): Bar[] => {
  const longest = Math.max(1, ...runs.map(({ duration_ms }) => duration_ms ?? 0));
  const ofRuns = runs.map((run) => {
    const { tone, glyph } = lookOfRun(run);
    const height = Math.max(lowest, Math.sqrt((run.duration_ms ?? 0) / longest));
    const bar: Bar = {
      key: run.run_id as string,
      href: `/runs/${run.run_id}`,
      text: runText(run, now),
      tone,
      glyph,
      height,
    };
    return { at: beginOf(run), bar };
  });
  const ofSlots = said
    .filter(({ event, run_id }) => run_id === null && lostSlots.includes(event))
    .map((event) => {
      const bar: Bar = {
        key: event.id,
        href: `/runs?pipeline=${event.pipeline}`,
        tone: 'none',
        glyph: 'pending',
        height: 0.5,
        text: `${moment(slotAt(event), now)}: ${event.msg}`,
      };
      return { at: slotAt(event), bar };
    });
  const all = [...ofRuns, ...ofSlots].sort((a, b) => a.at - b.at).slice(-most);
  return all.map(({ bar }) => bar);
};

/** All of it in one line: how many, how good, how long. */
export const summaryOf = (runs: readonly RunFacts[]): string => {
  const over = runs.filter(({ ended_at }) => ended_at !== null);
  if (over.length === 0) return runs.length === 0 ? 'Never ran' : 'First run';
  const good = over.filter(({ state }) => state === 'DONE');
  const middle = quantile(
    good.map(({ duration_ms }) => duration_ms ?? 0),
    0.5,
  );
  // A run that is done in part is neither.
  const whole = good.filter(({ outcome }) => outcome !== 'partial');
  const inPart = good.length - whole.length;
  const share = `${Math.round((whole.length / over.length) * 100)} % succeeded${inPart > 0 ? `, ${inPart} in part` : ''}`;
  return [plural(runs.length, 'run'), share, middle === null ? null : `median ${duration(middle)}`]
    .filter(Boolean)
    .join(' · ');
};
