import type { Attempt } from '../wire/attempts.ts';
import type { JournalEvent } from '../wire/events.ts';
import { foldAttempt } from '../wire/fold-attempt.ts';
import type { EventFrame, ProgressFrame, SnapshotFrame } from '../wire/frames.ts';
import { applyPatch, type RunView, type StatusPatch } from '../wire/patch.ts';
import { shownOf } from '../wire/shown-run.ts';
import type { Status } from '../wire/status.ts';

/**
 * All that a client knows, at one position of the journal. `attempts` are those of a run's own
 * stream, else empty.
 */
export type StreamState = {
  epoch: string;
  as_of_seq: number;
  scope: 'all' | 'run';
  runs: Record<string, RunView>;
  resets: Record<string, string | null>;
  attempts: Attempt[];
  /** The newest events, oldest first. */
  recent_events: JournalEvent[];
};

const recentEvents = 100;
const viewOf = ({ as_of_seq: _, ...view }: Status): RunView => view;

export const stateOf = ({ epoch, as_of_seq, data }: SnapshotFrame): StreamState => {
  const isRun = 'run' in data;
  const statuses = isRun ? [data.run] : data.runs;
  return {
    epoch,
    as_of_seq,
    scope: isRun ? 'run' : 'all',
    runs: Object.fromEntries(statuses.map((status) => [status.run_id as string, viewOf(status)])),
    resets: isRun ? {} : data.resets,
    attempts: isRun ? data.attempts : [],
    recent_events: data.recent_events,
  };
};

/** Live runs and the latest of each pipeline stay; the snapshot of the service holds the same. */
const shown = (runs: Record<string, RunView>, pipeline: string): Record<string, RunView> => {
  const mine = Object.values(runs).filter((run) => run.pipeline === pipeline);
  const latest = Math.max(...mine.map(({ number }) => number ?? 0));
  const over = new Set(
    mine
      .filter((run) => run.ended_at !== null && run.number !== latest)
      .map(({ run_id }) => run_id),
  );
  return over.size === 0
    ? runs
    : Object.fromEntries(Object.entries(runs).filter(([id]) => !over.has(id)));
};

const withPatch = (
  state: StreamState,
  { run_id, data }: Pick<JournalEvent, 'run_id' | 'data'>,
): Partial<StreamState> => {
  const patch = data.patch as StatusPatch | undefined;
  const before = run_id === null ? null : (state.runs[run_id] ?? null);
  // A run whose beginning was filtered out stays unknown.
  if (!patch || run_id === null || (!before && patch.run_id === undefined)) return {};
  const view = applyPatch(before, patch);
  const runs = { ...state.runs, [run_id]: view };
  if (state.scope === 'run' || (before && patch.ended_at === undefined)) return { runs };
  const { [view.pipeline]: _, ...resets } = state.resets;
  return { runs: shown(runs, view.pipeline), ...(!before && { resets }) };
};

const withReset = (
  state: StreamState,
  { run_id, pipeline, data }: JournalEvent,
): Partial<StreamState> =>
  run_id === null && pipeline !== null && data.reset_run_id !== undefined && state.scope === 'all'
    ? { resets: { ...state.resets, [pipeline]: data.reset_run_id as string | null } }
    : {};

/** The journal's event of a frame: without what belongs to the connection. */
const eventOf = ({ type: _, prev: __, cursor: ___, ...event }: EventFrame): JournalEvent => event;

/**
 * The one way a client's knowledge grows: pure, and the fold over any prefix of a stream equals the
 * snapshot that the service would send there. An event that is known already changes nothing;
 * progress in between moves no position.
 */
export const reduce = (state: StreamState, frame: EventFrame | ProgressFrame): StreamState => {
  if ('ephemeral' in frame) return { ...state, ...withPatch(state, frame) };
  if (frame.seq <= state.as_of_seq) return state;
  const event = eventOf(frame);
  return {
    ...state,
    ...withPatch(state, event),
    ...withReset(state, event),
    as_of_seq: event.seq,
    attempts: state.scope === 'run' ? foldAttempt(state.attempts, event) : state.attempts,
    recent_events: [...state.recent_events, event].slice(-recentEvents),
  };
};

/** What a pipeline shows: its live run, else its latest, else null (IDLE; also after a reset). */
export const shownRun = (state: StreamState, pipeline: string): RunView | null => {
  const mine = Object.values(state.runs).filter((run) => run.pipeline === pipeline);
  const { run, isHidden } = shownOf(
    mine,
    ({ number, ended_at, lock, run_id }) => ({
      number: number ?? 0,
      isLive: ended_at === null,
      hasLock: lock !== null,
      id: run_id,
    }),
    state.resets[pipeline],
  );
  return isHidden ? null : run;
};
