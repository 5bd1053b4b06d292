import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { HealthReport } from '../services/health/health.ts';
import { ServiceError, type ServiceErrorCode } from '../services/host/service-error.ts';
import type { EventFilter, Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import type { StartRequest } from '../services/start/start-request.ts';
import type { RunFilter } from '../services/store/store.ts';
import type { Status } from '../wire/status.ts';
import { readArtefact } from './artefact-route.ts';
import { digestOf, etagOf, versionAsked } from './etag.ts';
import { readLog } from './log-route.ts';
import {
  acknowledgeAnswer,
  acknowledgeBody,
  pipelineAnswer,
  pipelinesAnswer,
  reloadAnswer,
} from './pipeline-schemas.ts';
import type { Route, RouteAnswer, RouteInput } from './route.ts';
import { scheduleRoutes } from './schedule-routes.ts';
import * as schemas from './schemas.ts';
import { actorOf } from './who-asks.ts';

const ok = (body: unknown): RouteAnswer => ({ status: 200, body });
/** Fields that were not given are left out, not undefined. */
const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
const pipelineOf = (orchestrator: Orchestrator, { query, params }: RouteInput): string =>
  (params.name ?? query.pipeline ?? orchestrator.defaultPipeline()) as string;

/** JSON with sorted keys: the same content has the same hash, however it was written. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

const idempotencyOf = (
  input: RouteInput,
  pipeline: string,
  stage: string | null,
): StartRequest['idempotency'] => {
  const key = input.header('idempotency-key');
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]{1,200}$/.test(key))
    throw new ServiceError(
      'bad-parameter',
      'Idempotency-Key: expected 1 to 200 printable characters without spaces',
    );
  const bodyHash = createHash('sha256')
    .update(canonicalJson({ body: input.body, pipeline, stage }))
    .digest('hex');
  return { key, bodyHash };
};

const accepted = (status: Status, replayed: boolean): RouteAnswer => {
  const headers = {
    Location: `/api/runs/${status.run_id}`,
    ...(replayed && { 'Idempotent-Replayed': 'true' }),
  };
  return { status: 202, body: status, headers };
};

const start = async (orchestrator: Orchestrator, input: RouteInput): Promise<RouteAnswer> => {
  const pipeline = pipelineOf(orchestrator, input);
  const stage = input.params.stage ?? null;
  const { params, manual, reason } = input.body as z.infer<typeof schemas.startBody>;
  const { status, replayed } = await orchestrator.start({
    pipeline,
    params,
    trigger: manual ? 'manual' : 'api',
    reason: reason ?? null,
    actor: actorOf(input),
    onlyStage: stage,
    onConflict: null,
    idempotency: idempotencyOf(input, pipeline, stage),
  });
  return accepted(status, replayed);
};

const startRefusals: ServiceErrorCode[] = [
  ...([
    'unknown-pipeline',
    'already-running',
    'queue-full',
    'invalid-params',
    'missing-input',
    'invalid-body',
    'idempotency-key-reused',
  ] as const),
  ...([
    'invalid-json',
    'body-too-large',
    'unsupported-media-type',
    'draining',
    'blocked-by-policy',
    'disk-full',
  ] as const),
];
const bodyRefusals: ServiceErrorCode[] = [
  'invalid-json',
  'body-too-large',
  'unsupported-media-type',
  'invalid-body',
];

/**
 * Three questions, one answer: is it well, does it live (whatever it does), and may it be sent
 * work?
 */
const healthPaths: Record<string, (report: HealthReport) => boolean> = {
  '/api/health': ({ status }) => status === 'ok' || status === 'degraded',
  '/healthz': () => true,
  '/readyz': ({ ready }) => ready,
};
const chartAnswer = z.record(z.string(), z.unknown());
const chart = async (
  orchestrator: Orchestrator,
  of: { pipeline: string } | { runId: string },
  { query }: RouteInput,
): Promise<RouteAnswer> => {
  const { format } = query as z.infer<typeof schemas.chartQuery>;
  const { type, body } = await orchestrator.chart(of, format);
  // A picture that is opened by itself may style itself, and nothing else.
  const headers = {
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  };
  return { status: 200, body, type, ...(format === 'svg' && { headers }) };
};

const healthAnswers = { 200: schemas.healthAnswer, 503: schemas.healthAnswer };

export const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/api/pipeline/start',
    summary: 'Start a run',
    query: schemas.pipelineQuery,
    body: schemas.startBody,
    answers: { 202: schemas.statusAnswer },
    refusals: startRefusals,
    handle: start,
  },
  {
    method: 'post',
    path: '/api/pipelines/{name}/runs',
    summary: 'Start a run of this pipeline',
    params: { name: schemas.nameParam },
    body: schemas.startBody,
    answers: { 202: schemas.statusAnswer },
    refusals: startRefusals,
    handle: start,
  },
  {
    method: 'post',
    path: '/api/pipeline/stage/{stage}',
    summary: 'Start a run of one stage',
    params: { stage: schemas.nameParam },
    query: schemas.pipelineQuery,
    body: schemas.startBody,
    answers: { 202: schemas.statusAnswer },
    refusals: [...startRefusals, 'unknown-stage'],
    handle: start,
  },
  {
    method: 'get',
    path: '/api/pipeline/status',
    summary: 'The live or latest run; IDLE when none',
    query: schemas.pipelineQuery,
    answers: { 200: schemas.statusAnswer },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, input) =>
      ok(await orchestrator.status(pipelineOf(orchestrator, input))),
  },
  {
    method: 'get',
    path: '/api/pipeline/snapshot',
    summary: 'Status, recent events, metrics, lock and schedule together',
    query: schemas.pipelineQuery,
    answers: { 200: schemas.snapshotAnswer },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, input) =>
      ok(await orchestrator.snapshot(pipelineOf(orchestrator, input))),
  },
  {
    method: 'post',
    path: '/api/pipeline/stop',
    summary: 'Stop the live run',
    query: schemas.pipelineQuery,
    body: schemas.stopBody,
    answers: { 202: schemas.stopAnswer },
    refusals: [
      'unknown-pipeline',
      'nothing-to-stop',
      'command-not-allowed',
      'disk-full',
      ...bodyRefusals,
    ],
    handle: async (orchestrator, input) => {
      const { reason, grace_ms } = input.body as z.infer<typeof schemas.stopBody>;
      const options = { reason: reason ?? null, graceMs: grace_ms ?? null, actor: actorOf(input) };
      return {
        status: 202,
        body: await orchestrator.stop(pipelineOf(orchestrator, input), options),
      };
    },
  },
  {
    method: 'post',
    path: '/api/pipeline/reset',
    summary: 'Show IDLE again; history stays',
    query: schemas.pipelineQuery,
    body: schemas.resetBody,
    answers: { 200: schemas.statusAnswer, 202: schemas.statusAnswer },
    refusals: ['unknown-pipeline', 'run-active', 'disk-full', ...bodyRefusals],
    handle: async (orchestrator, input) => {
      const { force, reason } = input.body as z.infer<typeof schemas.resetBody>;
      const status = await orchestrator.reset(pipelineOf(orchestrator, input), {
        force,
        reason: reason ?? null,
        actor: actorOf(input),
      });
      // A forced reset of a live run shows IDLE once that run has stopped.
      return { status: status.run_id === null ? 200 : 202, body: status };
    },
  },
  {
    method: 'post',
    path: '/api/pipelines/{name}/acknowledge',
    summary: 'Forget failures in a row and what they paused',
    params: { name: schemas.nameParam },
    body: acknowledgeBody,
    answers: { 200: acknowledgeAnswer },
    refusals: ['unknown-pipeline', 'nothing-to-acknowledge', ...bodyRefusals],
    handle: async (orchestrator, input) =>
      ok(
        await orchestrator.acknowledge(input.params.name as string, {
          ...(input.body as z.infer<typeof acknowledgeBody>),
          actor: actorOf(input),
        }),
      ),
  },
  ...scheduleRoutes,
  {
    method: 'post',
    path: '/api/pipelines/reload',
    summary: 'Read the pipeline files again; a broken one keeps what it said before',
    answers: { 200: reloadAnswer },
    refusals: [],
    handle: async (orchestrator, input) => ok(await orchestrator.reload(actorOf(input))),
  },
  {
    method: 'get',
    path: '/api/pipelines',
    summary: 'Every pipeline, and the invalid pipeline files',
    answers: { 200: pipelinesAnswer },
    refusals: [],
    handle: async (orchestrator) => ok(await orchestrator.pipelines()),
  },
  {
    method: 'get',
    path: '/api/pipelines/{name}',
    summary: 'A pipeline: definition, latest run, last outcomes, next slots, lint findings',
    params: { name: schemas.nameParam },
    answers: { 200: pipelineAnswer },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { params }) =>
      ok(await orchestrator.pipeline(params.name as string)),
  },
  {
    method: 'get',
    path: '/api/runs',
    summary: 'Runs, newest first',
    query: schemas.runsQuery,
    answers: { 200: schemas.runsAnswer },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query }) => {
      const { from, to, cursor, ...rest } = query as z.infer<typeof schemas.runsQuery>;
      const bounds = {
        fromMs: from && Date.parse(from),
        toMs: to && Date.parse(to),
        before: cursor,
      };
      return ok(await orchestrator.runs(given({ ...rest, ...bounds }) as RunFilter));
    },
  },
  {
    method: 'get',
    path: '/api/runs/{id}',
    summary: 'One run with its attempts and artefacts; its ETag begins with the version',
    params: { id: schemas.runIdParam },
    answers: { 200: schemas.runAnswer },
    refusals: ['unknown-run'],
    handle: async (orchestrator, { params }) => {
      const run = await orchestrator.runWithAttempts(params.id as string);
      const artefacts = await orchestrator.artefacts(params.id as string, run.attempts);
      // What moves without a transition, and so without a seq.
      const { progress, why, stages } = run;
      const etag = etagOf(
        run.version,
        run.as_of_seq,
        digestOf({ progress, why, stages, artefacts }),
      );
      return { ...ok({ ...run, artefacts }), headers: { ETag: etag } };
    },
  },
  {
    method: 'get',
    path: '/api/runs/{id}/artefacts/{name}',
    summary: 'A file that the run left for people',
    params: { id: schemas.runIdParam, name: schemas.artefactParam },
    answers: { 200: z.unknown() },
    refusals: ['unknown-run', 'unknown-artefact'],
    handle: readArtefact,
  },
  {
    method: 'get',
    path: '/api/runs/{id}/snapshots/{version}',
    summary: 'State and context as a transition left them',
    params: { id: schemas.runIdParam, version: schemas.versionParam },
    answers: { 200: schemas.snapshotAtAnswer },
    refusals: ['unknown-run', 'unknown-version'],
    handle: async (orchestrator, { params }) =>
      ok(await orchestrator.snapshotAt(params.id as string, Number(params.version))),
  },
  {
    method: 'get',
    path: '/api/runs/{id}/chart',
    summary: 'The chart the run was started with',
    params: { id: schemas.runIdParam },
    query: schemas.chartQuery,
    answers: { 200: chartAnswer },
    refusals: ['unknown-run'],
    handle: (orchestrator, input) =>
      chart(orchestrator, { runId: input.params.id as string }, input),
  },
  {
    method: 'get',
    path: '/api/pipelines/{name}/chart',
    summary: 'The lifecycle chart of a pipeline',
    params: { name: schemas.nameParam },
    query: schemas.chartQuery,
    answers: { 200: chartAnswer },
    refusals: ['unknown-pipeline'],
    handle: (orchestrator, input) =>
      chart(orchestrator, { pipeline: input.params.name as string }, input),
  },
  {
    method: 'get',
    path: '/api/runs/{id}/logs/{stage}/{attempt}',
    summary: 'The output of an attempt: bytes, lines, its end, or a search',
    params: { id: schemas.runIdParam, stage: schemas.nameParam, attempt: schemas.attemptParam },
    query: schemas.logQuery,
    answers: { 200: schemas.logMatchesAnswer },
    refusals: ['unknown-run', 'unknown-stage', 'unknown-attempt', 'bad-parameter'],
    handle: readLog,
  },
  {
    method: 'get',
    path: '/api/runs/{id}/commands',
    summary: 'Every command, whether it is possible now, and why not',
    params: { id: schemas.runIdParam },
    answers: { 200: schemas.commandsAnswer },
    refusals: ['unknown-run'],
    handle: async (orchestrator, { params }) =>
      ok(await orchestrator.commands(params.id as string)),
  },
  {
    method: 'get',
    path: '/api/runs/{id}/transitions',
    summary: 'The ledger of a run: accepted, refused and stale',
    params: { id: schemas.runIdParam },
    query: schemas.transitionsQuery,
    answers: { 200: schemas.transitionsAnswer },
    refusals: ['unknown-run', 'bad-parameter'],
    handle: async (orchestrator, { params, query }) => {
      const { after, limit } = query as z.infer<typeof schemas.transitionsQuery>;
      return ok(await orchestrator.transitions(params.id as string, after, limit));
    },
  },
  {
    method: 'post',
    path: '/api/runs/{id}/commands',
    summary: 'Command a run',
    params: { id: schemas.runIdParam },
    body: schemas.commandBody,
    answers: { 202: schemas.statusAnswer },
    refusals: [
      'unknown-run',
      'command-not-allowed',
      'version-moved',
      'unknown-stage',
      ...startRefusals,
    ],
    handle: async (orchestrator, input) => {
      const runId = input.params.id as string;
      const command = input.body as z.infer<typeof schemas.commandBody>;
      const ifVersion = await versionAsked(
        input.header('if-match'),
        'version-moved',
        async () => (await orchestrator.run(runId)).version,
      );
      const idempotency = idempotencyOf(input, runId, command.type);
      const { status, replayed } = await orchestrator.command(runId, {
        command,
        actor: actorOf(input),
        ifVersion,
        idempotency,
      });
      return accepted(status, replayed);
    },
  },
  {
    method: 'get',
    path: '/api/events',
    summary: 'The journal; the newest events, or those after a seq',
    query: schemas.eventsQuery,
    answers: { 200: schemas.eventsAnswer },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query }) => {
      const { run_id, ...rest } = query as z.infer<typeof schemas.eventsQuery>;
      return ok(await orchestrator.events(given({ ...rest, runId: run_id }) as EventFilter));
    },
  },
  ...Object.entries(healthPaths).map(
    ([path, isFine]): Route => ({
      method: 'get',
      path,
      summary: 'Is the service well?',
      answers: healthAnswers,
      refusals: [],
      handle: async (orchestrator) => {
        const report = orchestrator.health();
        return { status: isFine(report) ? 200 : 503, body: report };
      },
    }),
  ),
];
