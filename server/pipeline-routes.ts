import { acknowledgedSchema, pipelinesSchema, reloadSchema } from '../wire/pipeline-answers.ts';
import { snapshotSchema, stoppedSchema } from '../wire/run-answers.ts';
import { statusSchema } from '../wire/status.ts';
import { whySchema } from '../wire/why-answer.ts';
import { chartAnswer, chartAnswers, chartMedia } from './chart-answer.ts';
import { acknowledgeBody, pipelineSchema, whyQuery } from './pipeline-schemas.ts';
import { ok, type Route, route } from './route.ts';
import {
  chartQuery,
  nameParam,
  pipelineQuery,
  pipelinesQuery,
  resetBody,
  stopBody,
} from './schemas.ts';
import { actorOf } from './who-asks.ts';

export const pipelineRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/pipeline/status',
    summary: 'The live or latest run; IDLE when none',
    role: 'read',
    query: pipelineQuery,
    answers: { 200: statusSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { query: { pipeline = orchestrator.defaultPipeline() } }) =>
      ok(await orchestrator.status(pipeline)),
  }),
  route({
    method: 'get',
    path: '/api/pipeline/snapshot',
    summary: 'Status, recent events, metrics, lock and schedule together',
    role: 'read',
    query: pipelineQuery,
    answers: { 200: snapshotSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { query: { pipeline = orchestrator.defaultPipeline() } }) =>
      ok(await orchestrator.snapshot(pipeline)),
  }),
  route({
    method: 'post',
    path: '/api/pipeline/stop',
    summary: 'Stop the live run',
    role: 'operate',
    query: pipelineQuery,
    body: stopBody,
    answers: { 202: stoppedSchema },
    refusals: ['unknown-pipeline', 'nothing-to-stop', 'command-not-allowed', 'disk-full'],
    handle: async (orchestrator, input) => {
      const { pipeline = orchestrator.defaultPipeline() } = input.query;
      const { reason = null, grace_ms: graceMs = null } = input.body;
      const body = await orchestrator.stop(pipeline, { reason, graceMs, actor: actorOf(input) });
      return { status: 202, body };
    },
  }),
  route({
    method: 'post',
    path: '/api/pipeline/reset',
    summary: 'Show IDLE again; history stays',
    role: 'operate',
    query: pipelineQuery,
    body: resetBody,
    answers: { 200: statusSchema, 202: statusSchema },
    refusals: ['unknown-pipeline', 'run-active', 'disk-full'],
    handle: async (orchestrator, input) => {
      const { pipeline = orchestrator.defaultPipeline() } = input.query;
      const { force, reason = null } = input.body;
      const body = await orchestrator.reset(pipeline, { force, reason, actor: actorOf(input) });
      // A forced reset of a live run shows IDLE once that run has stopped.
      return { status: body.run_id === null ? 200 : 202, body };
    },
  }),
  route({
    method: 'post',
    path: '/api/pipelines/{name}/acknowledge',
    summary: 'Forget failures in a row and what they paused',
    role: 'operate',
    params: { name: nameParam },
    body: acknowledgeBody,
    answers: { 200: acknowledgedSchema },
    refusals: ['unknown-pipeline', 'nothing-to-acknowledge'],
    handle: async (orchestrator, input) => {
      const { reason } = input.body;
      const asked = { reason, actor: actorOf(input) };
      return ok(await orchestrator.acknowledge(input.params.name, asked));
    },
  }),
  route({
    method: 'post',
    path: '/api/pipelines/reload',
    summary: 'Read the pipeline files again; a broken one keeps what it said before',
    role: 'admin',
    answers: { 200: reloadSchema },
    refusals: [],
    handle: async (orchestrator, input) => ok(await orchestrator.reload(actorOf(input))),
  }),
  route({
    method: 'get',
    path: '/api/pipelines',
    summary: 'Every pipeline, and the files that do not hold',
    role: 'read',
    query: pipelinesQuery,
    answers: { 200: pipelinesSchema },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query }) => ok(await orchestrator.pipelines(query.label)),
  }),
  route({
    method: 'get',
    path: '/api/pipelines/{name}',
    summary: 'A pipeline: definition, latest run, last outcomes, next slots, lint findings',
    role: 'read',
    params: { name: nameParam },
    answers: { 200: pipelineSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { params }) => ok(await orchestrator.pipeline(params.name)),
  }),
  route({
    method: 'get',
    path: '/api/pipelines/{name}/why',
    summary: 'Why it did what it did at a time, or nothing',
    role: 'read',
    params: { name: nameParam },
    query: whyQuery,
    answers: { 200: whySchema },
    refusals: ['unknown-pipeline', 'bad-parameter'],
    handle: async (orchestrator, { params, query }) =>
      ok(await orchestrator.why(params.name, query.at ?? null)),
  }),
  route({
    method: 'get',
    path: '/api/pipelines/{name}/chart',
    summary: 'The lifecycle chart of a pipeline',
    role: 'read',
    params: { name: nameParam },
    query: chartQuery,
    answers: chartAnswers,
    media: chartMedia,
    refusals: ['unknown-pipeline'],
    handle: (orchestrator, { params, query }) =>
      chartAnswer(orchestrator, { pipeline: params.name }, query.format),
  }),
];
