import { z } from 'zod';
import {
  type ForeignFrame,
  type InspectedActionFrame,
  type InspectedActorFrame,
  type InspectedEventFrame,
  type InspectedMicrostepFrame,
  type InspectedSnapshotFrame,
  inspectionVersion,
} from './inspection.ts';
import { causeSchema } from './run-answers.ts';

const common = {
  _version: z.literal(inspectionVersion),
  createdAt: z.string().regex(/^\d{1,15}$/),
  id: z.string(),
  sessionId: z.string(),
  rootId: z.string(),
  runId: z.string(),
  seq: z.int(),
  version: z.int(),
};
const event = z.looseObject({ type: z.string() });
const guards = z.array(z.object({ guard: z.string(), holds: z.boolean() }));
const snapshot = z.object({
  status: z.enum(['active', 'done', 'error', 'stopped']),
  value: z.unknown().optional(),
  context: z.record(z.string(), z.unknown()).exactOptional(),
  children: z
    .record(z.string(), z.object({ xstate$$type: z.literal(1), id: z.string() }))
    .exactOptional(),
  historyValue: z.record(z.string(), z.unknown()).exactOptional(),
  tags: z.array(z.string()).exactOptional(),
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
});
const transition = z.object({
  source: z.string(),
  target: z.array(z.string()).nullable(),
  eventType: z.string(),
  guard: z.string().exactOptional(),
  actions: z.array(z.string()),
  reenter: z.boolean(),
});

/** Every frame of the inspection sockets, by what stands behind `@xstate.` in its type. */
export const inspectionFrameSchemas = {
  actor: z.object({
    type: z.literal('@xstate.actor'),
    ...common,
    name: z.string(),
    definition: z.string(),
    parentId: z.string().exactOptional(),
    snapshot,
    pipeline: z.string().exactOptional(),
    number: z.int().exactOptional(),
    stage: z.string().exactOptional(),
  }) satisfies z.ZodType<InspectedActorFrame>,
  event: z.object({
    type: z.literal('@xstate.event'),
    ...common,
    event,
    sourceId: z.string().exactOptional(),
    verdict: z.enum(['accepted', 'refused', 'stale']).exactOptional(),
    why: z.string().nullable().exactOptional(),
    cause: causeSchema.exactOptional(),
    guards: guards.exactOptional(),
  }) satisfies z.ZodType<InspectedEventFrame>,
  microstep: z.object({
    type: z.literal('@xstate.microstep'),
    ...common,
    event,
    value: z.unknown(),
    transitions: z.array(transition),
    guards,
  }) satisfies z.ZodType<InspectedMicrostepFrame>,
  action: z.object({
    type: z.literal('@xstate.action'),
    ...common,
    action: z.object({ type: z.string(), params: z.unknown().optional() }),
  }) satisfies z.ZodType<InspectedActionFrame>,
  snapshot: z.object({
    type: z.literal('@xstate.snapshot'),
    ...common,
    event,
    snapshot,
  }) satisfies z.ZodType<InspectedSnapshotFrame>,
} as const;

const actorId = z.string().max(500);
/** What another program may send to `/ws/inspect/in`. */
export const foreignFrameSchema = z.looseObject({
  type: z.string().startsWith('@xstate.').max(100),
  sessionId: actorId,
  rootId: actorId.exactOptional(),
  parentId: actorId.exactOptional(),
  sourceId: actorId.exactOptional(),
});
/** And as it is shown. */
export const relayedFrameSchema = foreignFrameSchema.extend({
  foreign: z.literal(true),
}) satisfies z.ZodType<ForeignFrame>;
