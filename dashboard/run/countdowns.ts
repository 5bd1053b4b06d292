import type { Attempt } from '../../wire/attempts.ts';
import { stagesNow } from '../../wire/beside.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { RunView } from '../../wire/patch.ts';
import type { StageStatus } from '../../wire/status.ts';

/** Something that ends by itself at `to`; instants in ms of the service's clock. */
export type Timer = { kind: 'backoff' | 'timeout'; stage: string; from: number; to: number };

const isEvent = (stage: string, event: JournalEvent['event']) => (one: JournalEvent) =>
  one.stage === stage && one.event === event;

/** When the attempt of a `started` event must be over, or null without a limit. */
export const deadlineOf = (
  events: readonly JournalEvent[],
  { stage, attempt, started_at }: Attempt,
): number | null => {
  const started = events.findLast(
    (one) => one.stage === stage && one.event === 'started' && one.attempt === attempt,
  );
  const timeoutMs = started?.data.timeout_ms;
  return typeof timeoutMs === 'number' ? Date.parse(started_at) + timeoutMs : null;
};

const timerOfStage = (
  { name, state }: StageStatus,
  attempts: readonly Attempt[],
  events: readonly JournalEvent[],
): Timer | null => {
  if (state === 'retrying') {
    const retrying = events.findLast(isEvent(name, 'retrying'));
    const { due_at: to, delay_ms: delay } = retrying?.data ?? {};
    return typeof to === 'number' && typeof delay === 'number'
      ? { kind: 'backoff', stage: name, from: to - delay, to }
      : null;
  }
  const open = attempts.findLast((one) => one.stage === name && one.ended_at === null);
  const to = open ? deadlineOf(events, open) : null;
  return open && to !== null
    ? { kind: 'timeout', stage: open.stage, from: Date.parse(open.started_at), to }
    : null;
};

/** What the stages of a live run wait for with a clock, as their events said; the next one first. */
export const timersOf = (
  run: RunView,
  attempts: readonly Attempt[],
  events: readonly JournalEvent[],
): Timer[] => {
  // A run that is being stopped waits for its processes, and for no clock.
  if (run.ended_at !== null || run.state === 'STOPPING') return [];
  return stagesNow(run)
    .flatMap((stage) => timerOfStage(stage, attempts, events) ?? [])
    .toSorted((a, b) => a.to - b.to);
};
