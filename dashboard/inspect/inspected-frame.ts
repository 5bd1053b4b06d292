import { type InspectionType, inspectionTypes } from '../../wire/inspection.ts';
import { type StateValue, stateValueIn } from './state-value.ts';

/** `unknown` is a frame that the page does not understand, and shows as it is. */
export type FrameKind = InspectionType | 'unknown';

/** A question that was asked before a transition was taken, and its answer. */
export type Judgement = { guard: string; holds: boolean; values: string | null };
/** A way that was taken: from a state to others, or within one. Paths are those of the chart. */
export type Way = {
  from: string;
  to: readonly string[];
  guard: string | null;
  actions: readonly string[];
};
/** Who or what told an actor something, when it was no other actor. */
export type Asker = { kind: string; actor: string | null };

/** A frame of the feed, as far as the page understands it. `text` is the frame itself. */
export type Inspected = {
  /** Tells the same frame apart when the service tells it again. */
  key: string;
  kind: FrameKind;
  /** `@xstate.event`, or what else it says of itself. */
  type: string;
  /** The row of the ledger that it belongs to; null where there is none. */
  step: number | null;
  /** Of the run after that row. */
  version: number | null;
  at: number;
  runId: string | null;
  sessionId: string;
  sourceId: string | null;
  parentId: string | null;
  name: string | null;
  /** Of an event, and of what it caused. */
  event: string | null;
  /** What the event carries beside its type. */
  payload: string | null;
  action: { type: string; params: Json } | null;
  verdict: string | null;
  why: string | null;
  asker: Asker | null;
  value: StateValue | null;
  status: string | null;
  /** What an actor that failed said last. */
  failure: string | null;
  hasSnapshot: boolean;
  judged: readonly Judgement[];
  ways: readonly Way[];
  text: string;
};

export type Json = Record<string, unknown>;
const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const recordIn = (value: unknown): Json => (isJson(value) ? value : {});
export const textIn = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.flatMap((one) => textIn(one) ?? []) : [];
const listIn = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isJson) : []);
const parsed = (text: string): Json | null => {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : null;
  } catch {
    return null;
  }
};

/** The frame as a value; a text that is none stays a text. */
export const jsonOf = ({ text }: Inspected): unknown => parsed(text) ?? text;
export const snapshotOf = ({ text }: Inspected): Json => recordIn(parsed(text)?.['snapshot']);

const kindOf = (type: string): FrameKind =>
  inspectionTypes.find((kind) => type === `@xstate.${kind}`) ?? 'unknown';

/** What it carries beside its name, and the instant that its frame says already. */
const payloadOf = (event: unknown): string | null => {
  const { type: _, at: __, ...rest } = recordIn(event);
  return Object.keys(rest).length === 0 ? null : JSON.stringify(rest);
};

const actionIn = (action: unknown): Inspected['action'] =>
  isJson(action)
    ? { type: textIn(action['type']) ?? '?', params: recordIn(action['params']) }
    : null;

const judgementsIn = (guards: unknown): Judgement[] =>
  listIn(guards).map(({ guard, holds, values }) => ({
    guard: textIn(guard) ?? '?',
    holds: holds === true,
    values: textIn(values),
  }));

/** `run.running.analyzer` is `running.analyzer` on the chart, whose root has no name there. */
const pathOf = (id: string): string => id.slice(id.indexOf('.') + 1);

const waysIn = (transitions: unknown): Way[] =>
  listIn(transitions).map(({ source, target, guard, actions }) => ({
    from: pathOf(textIn(source) ?? ''),
    to: textsIn(target).map(pathOf),
    guard: textIn(guard),
    actions: textsIn(actions),
  }));

const askerIn = (cause: unknown): Asker | null =>
  isJson(cause)
    ? { kind: textIn(cause['kind']) ?? 'unknown', actor: textIn(cause['actor']) }
    : null;

/** Reads a frame. What is not understood is kept and shown as it is; nothing is thrown. */
export const readFrame = (text: string, heardAt: number): Inspected => {
  const frame = parsed(text) ?? {};
  const type = textIn(frame['type']) ?? '';
  const kind = kindOf(type);
  const snapshot = recordIn(frame['snapshot']);
  const at = Number(frame['createdAt']);
  return {
    key: textIn(frame['id']) ?? text,
    kind,
    type: type === '' ? 'no type' : type,
    step: typeof frame['seq'] === 'number' ? frame['seq'] : null,
    version: typeof frame['version'] === 'number' ? frame['version'] : null,
    at: Number.isFinite(at) && at > 0 ? at : heardAt,
    runId: textIn(frame['runId']),
    sessionId: textIn(frame['sessionId']) ?? '',
    sourceId: textIn(frame['sourceId']),
    parentId: textIn(frame['parentId']),
    name: textIn(frame['name']),
    event: textIn(recordIn(frame['event'])['type']),
    payload: payloadOf(frame['event']),
    action: actionIn(frame['action']),
    verdict: textIn(frame['verdict']),
    why: textIn(frame['why']),
    asker: askerIn(frame['cause']),
    value: stateValueIn(kind === 'microstep' ? frame['value'] : snapshot['value']),
    status: textIn(snapshot['status']),
    failure: textIn(recordIn(snapshot['error'])['message']),
    hasSnapshot: isJson(frame['snapshot']),
    judged: judgementsIn(frame['guards']),
    ways: waysIn(frame['transitions']),
    text,
  };
};
