import {
  type InspectedEvent,
  type InspectedEventFrame,
  type InspectedSnapshot,
  type InspectionFrame,
  inspectionVersion,
} from '../../wire/inspection.ts';
import type { Microstep } from '../interpreter/microsteps.ts';

/** Who a run is, and how what is said of it is cleaned of secrets. */
export type Subject = {
  runId: string;
  pipeline: string;
  number: number;
  /** The chart as JSON text. */
  definition: string;
  clean(value: unknown): unknown;
};
/** An actor that works for a run; `session` is unique over all its attempts. */
export type Child = { id: string; session: string; src: string; input: unknown };

type ToldWith = Pick<InspectedEventFrame, 'sourceId' | 'verdict' | 'why' | 'cause' | 'guards'>;
type Asked = Microstep['actions'][number];
/** Of what XState resolved, that which is data. */
const shownParams: Record<string, (params: never) => unknown> = {
  'xstate.spawnChild': ({ id, src, input }: { id: string; src: unknown; input: unknown }) => ({
    id,
    src,
    input,
  }),
  'xstate.stopChild': (child: string | { id: string }) => ({
    id: typeof child === 'string' ? child : child.id,
  }),
  'xstate.raise': ({ event, id, delay }: { event: unknown; id?: string; delay?: number }) => ({
    event,
    id,
    delay,
  }),
  'xstate.cancel': ({ sendId }: { sendId: string }) => ({ sendId }),
  'xstate.emit': ({ event }: { event: unknown }) => ({ event }),
};

/** The frames of one row of the ledger, in the order in which they are written. */
export const createFrameWriter = (
  { runId, pipeline, number, definition, clean }: Subject,
  { seq, version, at }: { seq: number; version: number; at: number },
  /** Where the frames do not belong to a step: what stands in their ids instead of a place. */
  place = '',
) => {
  const frames: InspectionFrame[] = [];
  const common = (sessionId: string) => ({
    _version: inspectionVersion,
    createdAt: String(at),
    id: `${runId}:${seq}.${place}${frames.length}`,
    sessionId,
    rootId: runId,
    runId,
    seq,
    version,
  });
  return {
    frames,
    run: (snapshot: InspectedSnapshot): void => {
      const name = `${pipeline} ${number}`;
      const of = { name, definition, pipeline, number, snapshot };
      frames.push({ type: '@xstate.actor', ...common(runId), ...of });
    },
    child: ({ id, session, input }: Child): void => {
      const { stage } = (input ?? {}) as { stage?: string };
      frames.push({
        type: '@xstate.actor',
        ...common(session),
        name: id,
        definition: JSON.stringify({ id }),
        parentId: runId,
        snapshot: { status: 'active', input },
        ...(stage !== undefined && { stage }),
      });
    },
    event: (sessionId: string, event: InspectedEvent, more: ToldWith = {}): void =>
      void frames.push({ type: '@xstate.event', ...common(sessionId), event, ...more }),
    snapshot: (sessionId: string, event: InspectedEvent, snapshot: InspectedSnapshot): void =>
      void frames.push({ type: '@xstate.snapshot', ...common(sessionId), event, snapshot }),
    action: ({ type, params }: Asked): void => {
      const shown = shownParams[type]?.(params as never);
      const action = { type, ...(shown !== undefined && { params: clean(shown) }) };
      frames.push({ type: '@xstate.action', ...common(runId), action });
    },
    microstep: (
      event: InspectedEvent,
      { value, ways, guards }: Pick<Microstep, 'value' | 'ways' | 'guards'>,
    ): void =>
      void frames.push({
        type: '@xstate.microstep',
        ...common(runId),
        event,
        value,
        transitions: ways,
        guards,
      }),
  };
};
export type FrameWriter = ReturnType<typeof createFrameWriter>;
