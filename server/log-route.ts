import type { z } from 'zod';
import type { LogPart } from '../services/history/logs.ts';
import { ServiceError } from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { ok, type RouteInput } from './route.ts';
import type { attemptParam, logQuery, nameParam, runIdParam } from './schemas.ts';

type LogInput = RouteInput<
  { id: typeof runIdParam; stage: typeof nameParam; attempt: typeof attemptParam },
  typeof logQuery,
  z.ZodType
>;

const defaultBytes = 65_536;

/** GET of a log: the bytes as text, with where they lie in the headers; a search answers JSON. */
export const readLog = async (
  orchestrator: Orchestrator,
  { params: { id: runId, ...place }, query, signal }: Pick<LogInput, 'params' | 'query' | 'signal'>,
) => {
  const { stream, offset = 0, limit, tail, from_line, lines = 1000, q, ignore_case } = query;
  const found = <T>(answer: T | null): T => {
    if (answer !== null) return answer;
    throw new ServiceError(
      'unknown-attempt',
      `there is no ${stream} of ${place.stage}, attempt ${place.attempt} any more: the files of the run were removed`,
    );
  };
  if (q !== undefined) {
    const search = {
      q,
      offset,
      limit: Math.min(limit ?? 100, 1000),
      ignoreCase: ignore_case === 'true',
    };
    const { matches, nextOffset, size, searchedTo } = found(
      await orchestrator.logSearch(runId, place, stream, search, signal),
    );
    return ok({ matches, next_offset: nextOffset, searched_to: searchedTo, size });
  }
  if (from_line !== undefined) {
    const part = found(
      await orchestrator.logLines(runId, place, stream, { fromLine: from_line, lines }),
    );
    // Lines too long for one answer: the rest begins at X-Next-Offset.
    const cut: Record<string, string> = part.cut ? { 'X-Cut': 'true' } : {};
    return textOf(part, {
      'X-First-Line': String(part.firstLine),
      'X-Total-Lines': String(part.totalLines),
      ...cut,
    });
  }
  const range = tail === undefined ? { offset, limit: limit ?? defaultBytes } : { tail };
  return textOf(found(await orchestrator.logPart(runId, place, stream, range)));
};

const textOf = (
  { bytes, offset, nextOffset, size }: LogPart,
  more: Record<string, string> = {},
) => ({
  status: 200 as const,
  type: 'text/plain; charset=utf-8',
  body: bytes,
  headers: {
    'X-Offset': String(offset),
    'X-Next-Offset': String(nextOffset),
    'X-Total-Bytes': String(size),
    ...more,
  },
});
