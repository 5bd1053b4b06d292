import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { ServiceError, type ServiceErrorCode } from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import type { Idempotency } from '../services/start/start-request.ts';
import { type Status, statusSchema } from '../wire/status.ts';
import { type Asked, type Route, route } from './route.ts';
import { nameParam, pipelineQuery, startBody } from './schemas.ts';
import { actorOf } from './who-asks.ts';

/** JSON with sorted keys: the same content has the same hash, however it was written. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** @throws ServiceError bad-parameter when the key is no key */
export const idempotencyOf = (
  { header, body }: Pick<Asked, 'header' | 'body'>,
  pipeline: string,
  stage: string | null,
): Idempotency | null => {
  const key = header('idempotency-key');
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]{1,200}$/.test(key))
    throw new ServiceError(
      'bad-parameter',
      'Idempotency-Key: expected 1 to 200 printable characters without spaces',
    );
  const bodyHash = createHash('sha256')
    .update(canonicalJson({ body, pipeline, stage }))
    .digest('hex');
  return { key, bodyHash };
};

/** 202 with the address of the run. */
export const accepted = (status: Status, replayed: boolean) => ({
  status: 202 as const,
  body: status,
  headers: {
    Location: `/api/runs/${status.run_id}`,
    ...(replayed && { 'Idempotent-Replayed': 'true' }),
  },
});

type StartInput = Pick<Asked, 'header'> & { body: z.output<typeof startBody> };
const start = async (
  orchestrator: Orchestrator,
  input: StartInput,
  pipeline = orchestrator.defaultPipeline(),
  stage: string | null = null,
) => {
  const { params, manual, reason = null } = input.body;
  const { status, replayed } = await orchestrator.start({
    pipeline,
    params,
    trigger: manual ? 'manual' : 'api',
    reason,
    actor: actorOf(input),
    onlyStage: stage,
    onConflict: null,
    idempotency: idempotencyOf(input, pipeline, stage),
  });
  return accepted(status, replayed);
};

/** All that may keep a run from beginning. */
export const startRefusals: readonly ServiceErrorCode[] = [
  'unknown-pipeline',
  'already-running',
  'queue-full',
  'invalid-params',
  'missing-input',
  'idempotency-key-reused',
  'draining',
  'blocked-by-policy',
  'disk-full',
];

export const startRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/pipeline/start',
    summary: 'Start a run',
    role: 'operate',
    query: pipelineQuery,
    body: startBody,
    answers: { 202: statusSchema },
    refusals: startRefusals,
    handle: (orchestrator, input) => start(orchestrator, input, input.query.pipeline),
  }),
  route({
    method: 'post',
    path: '/api/pipelines/{name}/runs',
    summary: 'Start a run of this pipeline',
    role: 'operate',
    params: { name: nameParam },
    body: startBody,
    answers: { 202: statusSchema },
    refusals: startRefusals,
    handle: (orchestrator, input) => start(orchestrator, input, input.params.name),
  }),
  route({
    method: 'post',
    path: '/api/pipeline/stage/{stage}',
    summary: 'Start a run of one stage',
    role: 'operate',
    params: { stage: nameParam },
    query: pipelineQuery,
    body: startBody,
    answers: { 202: statusSchema },
    refusals: [...startRefusals, 'unknown-stage'],
    handle: (orchestrator, input) =>
      start(orchestrator, input, input.query.pipeline, input.params.stage),
  }),
];
