import type { Attempt } from '../../wire/attempts.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { RunView } from '../../wire/patch.ts';
import type { Transition } from '../chart/marks.ts';
import { lookOfStage, type StateLook } from '../ui/state-words.ts';
import { deadlineOf } from './countdowns.ts';

/** Instants in ms of the service's clock. `isOpen`: it goes on. */
export type TimelineBar = {
  kind: 'attempt' | 'backoff' | 'wait';
  from: number;
  to: number;
  isOpen: boolean;
  look: StateLook;
  attempt: number | null;
};
type Row = {
  stage: string;
  group: string | null;
  look: StateLook;
  attempts: Attempt[];
  bars: TimelineBar[];
  deadline: number | null;
};
type Moment = { at: number; kind: 'stop' | 'now'; text: string };
export type Timeline = { from: number; to: number; rows: Row[]; moments: Moment[] };

const waiting: StateLook = { tone: 'wait', glyph: 'waiting', word: 'waits' };

/**
 * The waiting time after each failed attempt, as its event announced it and as the next attempt
 * ended it.
 */
const backoffs = (
  stage: string,
  attempts: Attempt[],
  events: readonly JournalEvent[],
  end: number,
): TimelineBar[] =>
  events
    .filter((event) => event.stage === stage && event.event === 'retrying')
    .flatMap(({ timestamp, data, attempt }): TimelineBar[] => {
      const from = Date.parse(timestamp);
      const next = attempts.find(({ started_at }) => Date.parse(started_at) >= from);
      const due = typeof data.due_at === 'number' ? data.due_at : end;
      const to = next ? Date.parse(next.started_at) : Math.min(due, Math.max(end, from));
      const isOpen = !next && end < due;
      return to > from
        ? [
            {
              kind: 'backoff',
              from,
              to: isOpen ? due : to,
              isOpen,
              look: waiting,
              attempt: attempt ?? null,
            },
          ]
        : [];
    });

/**
 * What happened when, stage by stage. @param now null = the clock stands still, draw up to what is
 * known
 */
export const timelineOf = (
  run: RunView,
  attempts: readonly Attempt[],
  events: readonly JournalEvent[],
  ledger: readonly Transition[],
  now: number | null,
): Timeline | null => {
  const begun = run.created_at ?? run.started_at;
  if (begun === null) return null;
  const from = Date.parse(begun);
  const known = Math.max(
    from,
    ...[run.updated_at, ...attempts.map(({ started_at }) => started_at)].map((at) =>
      at ? Date.parse(at) : 0,
    ),
  );
  const end = run.ended_at ? Date.parse(run.ended_at) : Math.max(known, now ?? 0);
  // A hook that had no cause to run is not what somebody waits for.
  const isUnused = ({ role, state }: RunView['stages'][number]): boolean =>
    run.ended_at !== null && role !== undefined && state === 'pending';
  const shown = run.stages.filter((stage) => !isUnused(stage));
  const rows = shown.map((stage): Row => {
    const own = attempts.filter((one) => one.stage === stage.name);
    const bars = own.map(
      ({ state, attempt, started_at, ended_at }): TimelineBar => ({
        kind: 'attempt',
        attempt,
        look: lookOfStage(state),
        isOpen: ended_at === null && run.ended_at === null,
        from: Date.parse(started_at),
        to: ended_at ? Date.parse(ended_at) : end,
      }),
    );
    const open = own.at(-1);
    return {
      stage: stage.name,
      group: stage.group ?? null,
      look: lookOfStage(stage.state),
      attempts: own,
      bars: [...backoffs(stage.name, own, events, end), ...bars],
      deadline:
        open && open.ended_at === null && run.ended_at === null ? deadlineOf(events, open) : null,
    };
  });
  const first = Math.min(...attempts.map(({ started_at }) => Date.parse(started_at)), end);
  const firstRow = rows.find(({ attempts: own }) => own.length > 0) ?? rows[0];
  if (firstRow && first - from > (end - from) * 0.01)
    firstRow.bars.unshift({
      kind: 'wait',
      from,
      to: first,
      isOpen: false,
      look: { ...waiting, word: 'before the first stage' },
      attempt: null,
    });
  const stops = ledger.filter(
    ({ verdict, event }) => verdict === 'accepted' && event.type === 'STOP',
  );
  const moments: Moment[] = stops.map(({ at, cause }) => ({
    at: Date.parse(at),
    kind: 'stop',
    text: `stop requested${cause.actor ? ` by ${cause.actor}` : ''}`,
  }));
  if (run.ended_at === null && now !== null) moments.push({ at: end, kind: 'now', text: 'now' });
  const last = Math.max(end, ...rows.flatMap(({ bars }) => bars.map(({ to }) => to)));
  // A deadline that is near is shown; a far one would squeeze everything else.
  const near = rows.flatMap(({ deadline }) =>
    deadline !== null && deadline - last < (last - from) * 0.5 ? [deadline] : [],
  );
  const to = Math.max(last, ...near);
  return {
    from,
    to: to > from ? to + (to - from) * (run.ended_at === null ? 0.04 : 0.01) : from + 1000,
    rows,
    moments,
  };
};

const steps = [
  0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400,
  43_200, 86_400,
];
/** Round distances from the start, in ms: five or six of them. */
export const ticksOf = (spanMs: number): number[] => {
  const step =
    (steps.find((seconds) => spanMs / 1000 / seconds <= 6) ??
      Math.ceil(spanMs / 6000 / 86_400) * 86_400) * 1000;
  return Array.from({ length: Math.floor(spanMs / step) + 1 }, (_, index) => index * step);
};
