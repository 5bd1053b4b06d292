import { eventWord, short } from '../run/run-words.ts';
import { duration } from '../ui/time.ts';
import { type Inspected, type Json, recordIn, textIn, type Way } from './inspected-frame.ts';
import { leavesOf, type StateValue } from './state-value.ts';

export const kindWords = {
  actor: 'actor',
  event: 'event',
  microstep: 'microstep',
  action: 'action',
  snapshot: 'snapshot',
  unknown: 'not understood',
} as const;

/** `analyzer › attempting`, and of parallel states each. */
const valueWord = (value: StateValue): string =>
  leavesOf(value)
    .map((path) => short(path))
    .join(' + ');

/** Where an actor stands: its state, or how it ended where it has none. */
export const standing = ({
  value,
  status,
  failure,
}: Pick<Inspected, 'value' | 'status' | 'failure'>): string => {
  if (value !== null) return valueWord(value);
  if (status === 'error') return failure === null ? 'failed' : `failed: ${failure}`;
  return status ?? 'unknown';
};

/** `analyzer › attempting → backingOff`: what both are in is said once. */
const betweenWord = (from: string, to: string): string => {
  const inner = from.lastIndexOf('.');
  const isBeside = inner > 0 && to.startsWith(from.slice(0, inner + 1));
  return `${short(from)} → ${isBeside ? to.slice(inner + 1).replaceAll('.', ' › ') : short(to)}`;
};
export const wayWord = ({ from, to }: Way): string => {
  if (to.length === 0) return `stays in ${short(from)}`;
  const [only] = to;
  return to.length === 1 && only !== undefined
    ? betweenWord(from, only)
    : `${short(from)} → ${to.map((path) => short(path)).join(' + ')}`;
};

const causeWords: Record<string, string> = {
  command: 'command',
  effect: 'answer',
  timer: 'timer',
  watchdog: 'watchdog',
  recovery: 'recovery',
  queue: 'queue',
};
/** Who told it: `command of api`. */
export const askerWord = ({ kind, actor }: { kind: string; actor: string | null }): string =>
  `${causeWords[kind] ?? kind}${actor === null ? '' : ` of ${actor}`}`;

const timerWord = (id: unknown): string => eventWord(textIn(id) ?? '?').replace(/^after /, '');

/** What XState does by itself, as people say it; the params are those it was given. */
const ownActions: Record<string, (params: Json) => string> = {
  'xstate.raise': ({ id, delay, event }) =>
    typeof delay === 'number'
      ? `timer ${timerWord(id)} set, ${duration(delay)}`
      : `raises ${textIn(recordIn(event)['type']) ?? '?'}`,
  'xstate.cancel': ({ sendId }) => `timer ${timerWord(sendId)} cancelled`,
  'xstate.spawnChild': ({ id }) => `begins ${textIn(id) ?? '?'}`,
  'xstate.stopChild': ({ id }) => `lets go of ${textIn(id) ?? '?'}`,
  'xstate.emit': ({ event }) => {
    const emitted = recordIn(event);
    const said = textIn(recordIn(emitted['fact'])['msg']) ?? textIn(emitted['type']);
    return `says: ${said ?? '?'}`;
  },
};
const actionWord = ({ action }: Inspected): string => {
  if (action === null) return '?';
  return ownActions[action.type]?.(action.params) ?? action.type;
};

/** A frame in a few words, without the actor it is of. */
export const frameWord = (frame: Inspected): string => {
  const { kind, event, ways } = frame;
  switch (kind) {
    case 'actor':
      return frame.value === null ? 'begins' : `is in ${standing(frame)}`;
    case 'event':
      return eventWord(event ?? '?');
    case 'microstep':
      return ways.length === 0 ? 'nothing was taken' : ways.map(wayWord).join(', ');
    case 'action':
      return actionWord(frame);
    case 'snapshot':
      return standing(frame);
    case 'unknown':
      return frame.text.slice(0, 200);
  }
};
