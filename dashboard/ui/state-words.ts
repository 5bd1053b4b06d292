import type { RunView } from '../../wire/patch.ts';
import type { StageStatus } from '../../wire/status.ts';

/** A state looks like its tone and its glyph; the word says it to everybody. */
export type Tone = 'run' | 'ok' | 'bad' | 'stop' | 'wait' | 'none';
export type Glyph =
  | 'running'
  | 'done'
  | 'failed'
  | 'stopped'
  | 'waiting'
  | 'pending'
  | 'skipped'
  | 'partial'
  | 'paused'
  | 'asking';
export type StateLook = { tone: Tone; glyph: Glyph; word: string };

const lower = (state: string): string => state.toLowerCase().replaceAll('_', ' ');
const fixed: Record<string, StateLook> = {
  IDLE: { tone: 'none', glyph: 'pending', word: 'Idle' },
  QUEUED: { tone: 'wait', glyph: 'pending', word: 'Queued' },
  STARTING: { tone: 'run', glyph: 'running', word: 'Starting' },
  RETRYING: { tone: 'wait', glyph: 'waiting', word: 'Retrying' },
  PAUSED: { tone: 'wait', glyph: 'paused', word: 'Paused' },
  AWAITING_APPROVAL: { tone: 'wait', glyph: 'asking', word: 'Waits for approval' },
  STOPPING: { tone: 'stop', glyph: 'stopped', word: 'Stopping' },
  DONE: { tone: 'ok', glyph: 'done', word: 'Done' },
  FAILED: { tone: 'bad', glyph: 'failed', word: 'Failed' },
  STOPPED: { tone: 'stop', glyph: 'stopped', word: 'Stopped' },
};
const outcomes: Record<string, string> = {
  noop: 'Done, nothing new',
  partial: 'Done in part',
  rejected: 'Rejected',
};

export const lookOfRun = ({ state, outcome }: Pick<RunView, 'state' | 'outcome'>): StateLook => {
  const look = fixed[state];
  if (!look)
    return {
      tone: 'run',
      glyph: 'running',
      word: `Running ${lower(state.replace(/^RUNNING_/, ''))}`,
    };
  const word = outcome && look.tone !== 'stop' ? (outcomes[outcome] ?? look.word) : look.word;
  if (outcome === 'noop') return { tone: 'ok', glyph: 'skipped', word };
  // Something is missing: not the green of a success, not the red of a failure.
  return outcome === 'partial' ? { tone: 'wait', glyph: 'partial', word } : { ...look, word };
};

const stageLooks: Record<string, StateLook> = {
  pending: { tone: 'none', glyph: 'pending', word: 'pending' },
  running: { tone: 'run', glyph: 'running', word: 'running' },
  retrying: { tone: 'wait', glyph: 'waiting', word: 'retrying' },
  paused: { tone: 'wait', glyph: 'paused', word: 'paused' },
  awaiting_approval: { tone: 'wait', glyph: 'asking', word: 'waits for approval' },
  succeeded: { tone: 'ok', glyph: 'done', word: 'succeeded' },
  reused: { tone: 'ok', glyph: 'skipped', word: 'reused' },
  skipped: { tone: 'none', glyph: 'skipped', word: 'skipped' },
  stopped: { tone: 'stop', glyph: 'stopped', word: 'stopped' },
  failed: { tone: 'bad', glyph: 'failed', word: 'failed' },
  lost: { tone: 'wait', glyph: 'waiting', word: 'lost' },
};

export const lookOfStage = (state: StageStatus['state'] | string): StateLook =>
  stageLooks[state] ?? { tone: 'none', glyph: 'pending', word: lower(state) };

const triggers: Record<string, string> = {
  manual: 'by hand',
  api: 'by API',
  schedule: 'by schedule',
  retry: 'as a retry',
  backfill: 'as a backfill',
};
export const triggerWord = (trigger: string | null): string =>
  trigger ? (triggers[trigger] ?? trigger) : '';

/** `1 run`, `2 runs`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;
