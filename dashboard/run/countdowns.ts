import type { Attempt } from '../../wire/attempts.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { RunView } from '../../wire/patch.ts';

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

/** What a live run is waiting for with a clock, as its events said. */
export const timerOf = (
  run: RunView,
  attempts: readonly Attempt[],
  events: readonly JournalEvent[],
): Timer | null => {
  // A run that is being stopped waits for its processes, and for no clock.
  if (run.ended_at !== null || run.stage === null || run.state === 'STOPPING') return null;
  const stage = run.stages.find(({ name }) => name === run.stage);
  if (stage?.state === 'retrying') {
    const retrying = events.findLast(isEvent(stage.name, 'retrying'));
    const { due_at: to, delay_ms: delay } = retrying?.data ?? {};
    return typeof to === 'number' && typeof delay === 'number'
      ? { kind: 'backoff', stage: stage.name, from: to - delay, to }
      : null;
  }
  const open = attempts.findLast((one) => one.stage === run.stage && one.ended_at === null);
  const to = open ? deadlineOf(events, open) : null;
  return open && to !== null
    ? { kind: 'timeout', stage: open.stage, from: Date.parse(open.started_at), to }
    : null;
};
