import { z } from 'zod';
import { commandSchema } from '../machines/commands.ts';
import {
  logMatchesSchema,
  outlookSchema,
  runSchema,
  runsSchema,
  snapshotAtSchema,
  transitionsSchema,
} from '../wire/run-answers.ts';
import { statusSchema } from '../wire/status.ts';
import { readArtefact } from './artefact-route.ts';
import { chartAnswer, chartAnswers, chartMedia } from './chart-answer.ts';
import { digestOf, etagOf, versionAsked } from './etag.ts';
import { given } from './given.ts';
import { readLog } from './log-route.ts';
import { ok, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';
import { accepted, idempotencyOf, startRefusals } from './start-routes.ts';
import { actorOf } from './who-asks.ts';

const id = schemas.runIdParam;

export const runRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/runs',
    summary: 'Runs, newest first',
    role: 'read',
    query: schemas.runsQuery,
    answers: { 200: runsSchema },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query }) => {
      const { from, to, cursor, ...rest } = query;
      const bounds = {
        fromMs: from === undefined ? from : Date.parse(from),
        toMs: to === undefined ? to : Date.parse(to),
        before: cursor,
      };
      return ok(await orchestrator.runs(given({ ...rest, ...bounds })));
    },
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}',
    summary: 'One run with its attempts and artefacts; its ETag begins with the version',
    role: 'read',
    params: { id },
    answers: { 200: runSchema },
    refusals: ['unknown-run'],
    handle: async (orchestrator, { params }) => {
      const run = await orchestrator.runWithAttempts(params.id);
      const artefacts = await orchestrator.artefacts(params.id, run.attempts);
      // What moves without a transition, and so without a seq.
      const { progress, why, stages } = run;
      const digest = digestOf({ progress, why, stages, artefacts });
      const headers = { ETag: etagOf(run.version, run.as_of_seq, digest) };
      return { status: 200, body: { ...run, artefacts }, headers };
    },
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/artefacts/{name}',
    summary: 'A file that the run left for people',
    role: 'read',
    params: { id, name: schemas.artefactParam },
    answers: { 200: z.unknown() },
    media: ['*/*'],
    refusals: ['unknown-run', 'unknown-artefact'],
    handle: (orchestrator, { params }) => readArtefact(orchestrator, params.id, params.name),
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/snapshots/{version}',
    summary: 'State and context as a transition left them',
    role: 'read',
    params: { id, version: schemas.versionParam },
    answers: { 200: snapshotAtSchema },
    refusals: ['unknown-run', 'unknown-version'],
    handle: async (orchestrator, { params }) =>
      ok(await orchestrator.snapshotAt(params.id, params.version)),
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/chart',
    summary: 'The chart the run was started with',
    role: 'read',
    params: { id },
    query: schemas.chartQuery,
    answers: chartAnswers,
    media: chartMedia,
    refusals: ['unknown-run'],
    handle: (orchestrator, { params, query }) =>
      chartAnswer(orchestrator, { runId: params.id }, query.format),
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/logs/{stage}/{attempt}',
    summary: 'The output of an attempt: bytes, lines, its end, or a search',
    role: 'read',
    params: { id, stage: schemas.nameParam, attempt: schemas.attemptParam },
    query: schemas.logQuery,
    answers: { 200: logMatchesSchema },
    media: ['text/plain'],
    refusals: [
      'unknown-run',
      'unknown-stage',
      'unknown-attempt',
      'unreadable-log',
      'bad-parameter',
    ],
    handle: readLog,
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/commands',
    summary: 'Every command, whether it is possible now, and why not',
    role: 'read',
    params: { id },
    answers: { 200: outlookSchema },
    refusals: ['unknown-run'],
    handle: async (orchestrator, { params }) => ok(await orchestrator.commands(params.id)),
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/transitions',
    summary: 'The ledger of a run: accepted, refused and stale',
    role: 'read',
    params: { id },
    query: schemas.transitionsQuery,
    answers: { 200: transitionsSchema },
    refusals: ['unknown-run', 'bad-parameter'],
    handle: async (orchestrator, { params, query }) =>
      ok(await orchestrator.transitions(params.id, query.after, query.limit)),
  }),
  route({
    method: 'post',
    path: '/api/runs/{id}/commands',
    summary: 'Command a run',
    role: 'operate',
    params: { id },
    body: commandSchema,
    answers: { 202: statusSchema },
    refusals: [
      'unknown-run',
      'command-not-allowed',
      'version-moved',
      'unknown-stage',
      ...startRefusals,
    ],
    handle: async (orchestrator, input) => {
      const { id: runId } = input.params;
      const command = input.body;
      const ifVersion = await versionAsked(
        input.header('if-match'),
        'version-moved',
        async () => (await orchestrator.run(runId)).version,
      );
      const { status, replayed } = await orchestrator.command(runId, {
        command,
        actor: actorOf(input),
        ifVersion,
        idempotency: idempotencyOf(input, runId, command.type),
      });
      return accepted(status, replayed);
    },
  }),
];
