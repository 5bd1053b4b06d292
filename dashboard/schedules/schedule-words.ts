import type { StateLook } from '../ui/state-words.ts';

const looks: Record<string, StateLook> = {
  started: { tone: 'ok', glyph: 'done', word: 'started' },
  queued: { tone: 'wait', glyph: 'pending', word: 'queued' },
  waiting: { tone: 'wait', glyph: 'waiting', word: 'waiting' },
  skipped: { tone: 'none', glyph: 'skipped', word: 'skipped' },
  missed: { tone: 'wait', glyph: 'asking', word: 'missed' },
  blocked: { tone: 'stop', glyph: 'paused', word: 'blocked' },
  refused: { tone: 'bad', glyph: 'failed', word: 'refused' },
  cancelled: { tone: 'stop', glyph: 'stopped', word: 'cancelled' },
};
export const lookOfDecision = (decision: string): StateLook =>
  looks[decision] ?? { tone: 'none', glyph: 'pending', word: decision };

const predictions: Record<string, string> = {
  start: 'starts',
  queue: 'waits for the run before',
  cancel_running: 'stops the run before',
  waiting: 'runs next, after another schedule',
  skip: 'is skipped',
  left_out: 'is left out',
};
export const predictionWord = (predicted: string): string => predictions[predicted] ?? predicted;
