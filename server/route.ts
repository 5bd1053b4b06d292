import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { ServiceErrorCode } from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';

export type RouteInput = {
  params: Record<string, string>;
  query: Record<string, unknown>;
  body: Record<string, unknown>;
  header: (name: string) => string | undefined;
  /** Aborts when the client has left. */
  signal: AbortSignal;
};
/** `type` is set for bodies that are text or bytes and no JSON. */
export type RouteAnswer = {
  status: number;
  body: unknown;
  type?: string;
  headers?: Record<string, string>;
  /**
   * Instead of a body: bytes as they come. `close` is called whatever happens; a HEAD reads
   * nothing.
   */
  stream?: { read: () => Readable; close: () => Promise<void> };
};
/** One route: its schema is its validation, its type and its documentation. */
export type Route = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** `{name}` are parameters. */
  path: string;
  summary: string;
  params?: Record<string, z.ZodType>;
  query?: z.ZodType;
  body?: z.ZodType;
  answers: Record<number, z.ZodType>;
  /** The refusals of its own; those every route has are added for the documents. */
  refusals: ServiceErrorCode[];
  handle(orchestrator: Orchestrator, input: RouteInput): Promise<RouteAnswer>;
};
