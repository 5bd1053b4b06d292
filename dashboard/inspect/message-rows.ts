import { eventWord } from '../run/run-words.ts';
import { askerWord, standing } from './frame-words.ts';
import type { Asker, Inspected } from './inspected-frame.ts';
import type { KnownActor } from './known-actors.ts';

/** A line down the diagram: an actor, all attempts of the same name as one, or who is outside. */
export type Lane = { key: string; name: string; isOutside: boolean };
/** What is drawn of a frame; lanes by their place. */
export type Message = {
  place: number;
  kind: 'message' | 'begin' | 'state' | 'end';
  from: number;
  to: number;
  label: string;
  /** How it went: a refused message is drawn broken, an end in its colour. */
  tone: 'none' | 'ok' | 'bad' | 'stop';
  isRefused: boolean;
};
export type MessageRow =
  | { kind: 'message'; message: Message }
  /** The messages before it come again so many times; `hidden` of them are not drawn. */
  | { kind: 'fold'; place: number; length: number; times: number; isOpen: boolean };

const outsideNames: Record<string, string> = { command: 'commands', timer: 'clock' };
const outsideOf = (asker: Asker | null): string => outsideNames[asker?.kind ?? ''] ?? 'service';

const endTones: Record<string, Message['tone']> = { done: 'ok', error: 'bad', stopped: 'stop' };

/** The messages between actors, in order, and the states that they led to. */
export const messagesOf = (
  frames: readonly Inspected[],
  places: readonly number[],
  actors: readonly KnownActor[],
): { lanes: Lane[]; messages: Message[] } => {
  const byId = new Map(actors.map((actor) => [actor.id, actor]));
  const lanes: Lane[] = [];
  const numbers = new Map<string, number>();
  const laneOf = (key: string, name: string, isOutside: boolean): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, lanes.length);
    lanes.push({ key, name, isOutside });
    return lanes.length - 1;
  };
  const laneOfActor = (id: string): number => {
    const actor = byId.get(id);
    return laneOf(`${actor?.runId} ${actor?.name ?? id}`, actor?.name ?? id, false);
  };
  const stood = new Map<number, string>();

  const messageOf = (frame: Inspected, place: number): Message | null => {
    const { kind, sourceId, parentId, asker, event, verdict, status } = frame;
    const plain = { place, tone: 'none', isRefused: false } as const;
    if (kind === 'event') {
      if (event === null || event === 'xstate.init') return null;
      const from =
        sourceId === null
          ? laneOf(`outside ${outsideOf(asker)}`, outsideOf(asker), true)
          : laneOfActor(sourceId);
      const isRefused = verdict !== null && verdict !== 'accepted';
      const by = asker?.actor && sourceId === null ? ` (${askerWord(asker)})` : '';
      const label = `${eventWord(event)}${isRefused ? `, ${verdict}` : ''}${by}`;
      return {
        ...plain,
        kind: 'message',
        from,
        to: laneOfActor(frame.sessionId),
        label,
        isRefused,
      };
    }
    if (kind === 'actor' && parentId !== null && byId.has(parentId)) {
      const to = laneOfActor(frame.sessionId);
      return { ...plain, kind: 'begin', from: laneOfActor(parentId), to, label: 'begins' };
    }
    if (kind !== 'snapshot' && kind !== 'actor') return null;
    const lane = laneOfActor(frame.sessionId);
    const label = standing(frame);
    const tone = endTones[status ?? ''];
    if (frame.value === null)
      return tone ? { ...plain, kind: 'end', from: lane, to: lane, label, tone } : null;
    if (stood.get(lane) === label) return null;
    stood.set(lane, label);
    return { ...plain, kind: 'state', from: lane, to: lane, label };
  };
  const messages = places.flatMap((place) => {
    const frame = frames[place];
    return (frame && messageOf(frame, place)) ?? [];
  });
  return inLaneOrder(lanes, messages);
};

/** Who is outside stands at the left, for there the story begins. */
const inLaneOrder = (
  lanes: Lane[],
  messages: Message[],
): { lanes: Lane[]; messages: Message[] } => {
  const order = lanes
    .map((lane, before) => ({ lane, before }))
    .toSorted((a, b) => Number(b.lane.isOutside) - Number(a.lane.isOutside));
  const after = new Map(order.map(({ before }, index) => [before, index]));
  const moved = (lane: number): number => after.get(lane) ?? lane;
  return {
    lanes: order.map(({ lane }) => lane),
    messages: messages.map((one) => ({ ...one, from: moved(one.from), to: moved(one.to) })),
  };
};

const longestRound = 16;
const leastTimes = 3;

/** Two messages that say the same: an attempt is like another, whatever its number. */
const signOf = ({ kind, from, to, label, tone }: Message): string =>
  `${kind} ${from} ${to} ${tone} ${label.replaceAll(/\d+/g, '#')}`;

/** How often the messages from `at` on come one after another, in rounds of `length`. */
const roundsFrom = (signs: readonly string[], at: number, length: number): number => {
  let end = at + length;
  while (end < signs.length && signs[end] === signs[end - length]) end += 1;
  return Math.floor((end - at) / length);
};

/**
 * The rows that are drawn: what comes again and again, as a retry does, is drawn once with how often
 * it came.
 * @param opened places of folds that are drawn in full; `all` = every one
 */
export const foldRepeats = (
  messages: readonly Message[],
  opened: ReadonlySet<number> | 'all',
): MessageRow[] => {
  const signs = messages.map(signOf);
  const rows: MessageRow[] = [];
  const draw = (from: number, to: number): void => {
    for (const message of messages.slice(from, to)) rows.push({ kind: 'message', message });
  };
  let at = 0;
  while (at < messages.length) {
    let best = { length: 1, times: 1 };
    for (let length = 1; length <= longestRound; length += 1) {
      const times = roundsFrom(signs, at, length);
      if (times >= leastTimes && times * length > best.times * best.length)
        best = { length, times };
    }
    const { length, times } = best;
    const place = messages[at]?.place ?? 0;
    const isOpen = opened === 'all' || opened.has(place);
    draw(at, at + length);
    if (times > 1) {
      rows.push({ kind: 'fold', place, length, times: times - 1, isOpen });
      if (isOpen) draw(at + length, at + length * times);
    }
    at += length * times;
  }
  return rows;
};
