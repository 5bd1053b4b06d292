import type { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { closeCodes } from '../wire/close-codes.ts';
import { frameSchemas, logFrameSchemas } from '../wire/frames.ts';
import {
  foreignFrameSchema,
  inspectionFrameSchemas,
  relayedFrameSchema,
} from '../wire/inspection-frames.ts';
import type { Role } from '../wire/role.ts';
import { schemaOf } from './openapi.ts';
import { nameParam, runIdParam } from './schemas.ts';
import { eventsSocketQuery, inspectSocketQuery, logsSocketQuery } from './stream/handshake.ts';

type Json = Record<string, unknown>;
type Kind = 'events' | 'logs' | 'inspect' | 'inspectIn';
type Channel = {
  kind: Kind;
  address: string;
  summary: string;
  role: Role;
  parameters: readonly string[];
};
const channels = {
  events: {
    kind: 'events',
    address: '/ws/events',
    summary: 'Everything: a snapshot, then every later event',
    role: 'read',
    parameters: [],
  },
  runEvents: {
    kind: 'events',
    address: '/ws/events/{run_id}',
    summary: 'One run, until it is over',
    role: 'read',
    parameters: ['run_id'],
  },
  runLogs: {
    kind: 'logs',
    address: '/ws/logs/{run_id}',
    summary: 'The output of a run, attempt after attempt',
    role: 'read',
    parameters: ['run_id'],
  },
  stageLogs: {
    kind: 'logs',
    address: '/ws/logs/{run_id}/{stage}',
    summary: 'The output of one stage',
    role: 'read',
    parameters: ['run_id', 'stage'],
  },
  inspect: {
    kind: 'inspect',
    address: '/ws/inspect',
    summary: 'All live runs in the dialect of @statelyai/inspect: as they are, then each step',
    role: 'read',
    parameters: [],
  },
  runInspect: {
    kind: 'inspect',
    address: '/ws/inspect/{run_id}',
    summary: 'One run in that dialect: from its beginning, and on until it is over',
    role: 'read',
    parameters: ['run_id'],
  },
  inspectIn: {
    kind: 'inspectIn',
    address: '/ws/inspect/in',
    summary: 'What other programs of this machine show; only with --inspect-in',
    role: 'operate',
    parameters: [],
  },
} as const satisfies Record<string, Channel>;
const queries: Record<Kind, z.ZodType> = {
  events: eventsSocketQuery,
  logs: logsSocketQuery,
  inspect: inspectSocketQuery,
  inspectIn: closed({}),
};
const parameters: Record<string, { description: string; schema: z.ZodType }> = {
  run_id: { description: 'a run id such as r_01J9…', schema: runIdParam },
  stage: { description: 'the name of a stage', schema: nameParam },
};

/**
 * AsyncAPI 3 from the frames' own schemas. Close codes cannot be expressed there, so they stand
 * beside as `x-close-codes`.
 */
export const asyncApi = (version: string): Json => {
  const named: Json = {};
  const messages: Json = {};
  const add = (prefix: string, frames: Record<string, z.ZodType>): string[] =>
    Object.entries(frames).map(([name, schema]) => {
      const key = `${prefix}${name}`;
      messages[key] = {
        name,
        contentType: 'application/json',
        payload: schemaOf(schema, 'output', named),
      };
      return key;
    });
  const inspection = add('inspect_', inspectionFrameSchemas);
  const keys: Record<Kind, string[]> = {
    events: add('', frameSchemas),
    logs: add('logs_', logFrameSchemas),
    inspect: [...inspection, ...add('inspect_', { foreign: relayedFrameSchema })],
    inspectIn: add('inspect_in_', { frame: foreignFrameSchema }),
  };
  const entries = Object.entries(channels).map(
    ([name, { kind, address, summary, role, parameters: wanted }]) => {
      const query = schemaOf(queries[kind], 'input', named);
      return [
        name,
        {
          address,
          summary,
          'x-role': role,
          parameters: Object.fromEntries(
            wanted.map((key) => [key, { description: parameters[key]?.description }]),
          ),
          messages: Object.fromEntries(
            keys[kind].map((key) => [key, { $ref: `#/components/messages/${key}` }]),
          ),
          bindings: { ws: { method: 'GET', bindingVersion: '0.1.0', query } },
        },
      ] as const;
    },
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Stagewright',
      version,
      description:
        'What the sockets say. The service only sends, but for /ws/inspect/in; commands are REST.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(entries),
    operations: Object.fromEntries(
      entries.map(([name]) => [
        `stream_${name}`,
        {
          action: name === 'inspectIn' ? 'receive' : 'send',
          channel: { $ref: `#/channels/${name}` },
        },
      ]),
    ),
    components: { messages, schemas: named },
    'x-close-codes': Object.fromEntries(
      Object.entries(closeCodes).map(([code, [meaning, client]]) => [code, { meaning, client }]),
    ),
  };
};
