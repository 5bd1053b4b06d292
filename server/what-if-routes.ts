import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { simulateBody, simulationSchema } from '../wire/simulation.ts';
import { maxPath, pressSchema, whatIfSchema } from '../wire/what-if.ts';
import { ok, type Route, route } from './route.ts';
import { nameParam, runIdParam, wholeNumber } from './schemas.ts';

const version = wholeNumber(1, 999_999_999);
const path = z
  .array(pressSchema)
  .max(maxPath, `a path has at most ${maxPath} events; begin at a later version of the run`)
  .default([]);

/** What would be: asked of the chart, never of the run. */
export const whatIfRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/pipelines/{name}/what-if',
    summary: 'An admitted run of the pipeline, and every event that may come to it',
    role: 'read',
    params: { name: nameParam },
    answers: { 200: whatIfSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { params }) => ok(await orchestrator.whatIf(params.name, [])),
  }),
  route({
    method: 'post',
    path: '/api/pipelines/{name}/what-if',
    summary: 'Where such a run would stand after these events; nothing is moved',
    role: 'read',
    params: { name: nameParam },
    body: closed({ path }),
    answers: { 200: whatIfSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { params, body }) =>
      ok(await orchestrator.whatIf(params.name, body.path)),
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/what-if',
    summary: 'A run as it stands, or stood at a version, and every event that may come to it',
    role: 'read',
    params: { id: runIdParam },
    query: closed({ version: version.optional() }),
    answers: { 200: whatIfSchema },
    refusals: ['unknown-run', 'unknown-version', 'bad-parameter'],
    handle: async (orchestrator, { params, query }) =>
      ok(await orchestrator.whatIfRun(params.id, query.version ?? null, [])),
  }),
  route({
    method: 'post',
    path: '/api/runs/{id}/what-if',
    summary: 'Where the run would stand after these events; it is not touched',
    role: 'read',
    params: { id: runIdParam },
    body: closed({ version: version.optional(), path }),
    answers: { 200: whatIfSchema },
    refusals: ['unknown-run', 'unknown-version'],
    handle: async (orchestrator, { params, body }) =>
      ok(await orchestrator.whatIfRun(params.id, body.version ?? null, body.path)),
  }),
  route({
    method: 'post',
    path: '/api/pipelines/{name}/simulate',
    summary:
      'A simulated run of the pipeline by a script, or many with random faults; nothing is kept',
    role: 'read',
    params: { name: nameParam },
    body: simulateBody,
    answers: { 200: simulationSchema },
    refusals: ['unknown-pipeline', 'unknown-stage', 'simulation-too-long', 'too-many-simulations'],
    handle: async (orchestrator, { params, body: { script, seed = null, runs }, signal }) =>
      ok(await orchestrator.simulate(params.name, { script, seed, runs }, signal)),
  }),
];
