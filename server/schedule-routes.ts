import type { z } from 'zod';
import type { ServiceErrorCode } from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { digestOf, etagOf, versionAsked } from './etag.ts';
import type { Route, RouteAnswer, RouteInput } from './route.ts';
import * as schemas from './schedule-schemas.ts';
import { pipelineQuery, scheduleAnswer } from './schemas.ts';
import { actorOf } from './who-asks.ts';

const ok = (body: unknown): RouteAnswer => ({ status: 200, body });
const bodyRefusals: ServiceErrorCode[] = [
  'invalid-json',
  'body-too-large',
  'unsupported-media-type',
  'invalid-body',
];
const pipelineOf = (orchestrator: Orchestrator, name: unknown): string =>
  (name as string | undefined) ?? orchestrator.defaultPipeline();
const idOf = ({ params }: RouteInput): string => params.id as string;

const versionOf = (orchestrator: Orchestrator, input: RouteInput): Promise<number | null> =>
  versionAsked(
    input.header('if-match'),
    'schedule-moved',
    async () => (await orchestrator.scheduleById(idOf(input))).version,
  );
/** The ETag begins with the version; what its slots became changes the rest. */
const tagged = (
  status: number,
  schedule: { version: number },
  headers: Record<string, string> = {},
): RouteAnswer => ({
  status,
  body: schedule,
  headers: { ETag: etagOf(schedule.version, digestOf(schedule)), ...headers },
});

const preview = async (
  orchestrator: Orchestrator,
  input: Record<string, unknown>,
): Promise<RouteAnswer> => {
  const { id, pipeline, from, count, ...written } = input as z.infer<typeof schemas.previewBody>;
  const asked = {
    id: id ?? null,
    pipeline: pipeline ?? null,
    written,
    from: from === undefined ? null : Date.parse(from) - 1,
    count,
  };
  return ok(await orchestrator.previewSchedule(asked));
};

const param = { id: schemas.scheduleIdParam };
/** Fixed addresses stand before those with an id. */
export const scheduleRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/api/schedule',
    summary: "The pipeline's main schedule",
    query: pipelineQuery,
    answers: { 200: scheduleAnswer },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { query }) =>
      ok(await orchestrator.schedule(pipelineOf(orchestrator, query.pipeline))),
  },
  {
    method: 'post',
    path: '/api/schedule',
    summary: 'Change what is named of the main schedule; made when there is none',
    query: pipelineQuery,
    body: schemas.classicBody,
    answers: { 200: scheduleAnswer },
    refusals: [
      'unknown-pipeline',
      'invalid-schedule',
      'schedule-exists',
      'too-many-schedules',
      ...bodyRefusals,
    ],
    handle: async (orchestrator, input) =>
      ok(
        await orchestrator.setSchedule(
          pipelineOf(orchestrator, input.query.pipeline),
          input.body,
          actorOf(input),
        ),
      ),
  },
  {
    method: 'get',
    path: '/api/schedules',
    summary: 'Every schedule, what it did last and does next',
    query: schemas.schedulesQuery,
    answers: { 200: schemas.schedulesAnswer },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { query }) =>
      ok(await orchestrator.schedules((query.pipeline as string | undefined) ?? null)),
  },
  {
    method: 'post',
    path: '/api/schedules',
    summary: 'Make a schedule',
    body: schemas.createBody,
    answers: { 201: schemas.scheduleViewAnswer },
    refusals: [
      'unknown-pipeline',
      'invalid-schedule',
      'schedule-exists',
      'too-many-schedules',
      ...bodyRefusals,
    ],
    handle: async (orchestrator, input) => {
      const { id, pipeline, ...written } = input.body as z.infer<typeof schemas.createBody>;
      const made = await orchestrator.createSchedule(
        id ?? null,
        pipelineOf(orchestrator, pipeline),
        written,
        actorOf(input),
      );
      return tagged(201, made, { Location: `/api/schedules/${made.id}` });
    },
  },
  {
    method: 'get',
    path: '/api/schedules/preview',
    summary: 'When a schedule would be due, with clock changes, overlaps and blackout',
    query: schemas.previewQuery,
    answers: { 200: schemas.previewAnswer },
    refusals: ['bad-parameter', 'invalid-schedule', 'unknown-schedule', 'unknown-pipeline'],
    handle: (orchestrator, { query }) => preview(orchestrator, query),
  },
  {
    method: 'post',
    path: '/api/schedules/preview',
    summary: 'The same, for every field of a schedule',
    body: schemas.previewBody,
    answers: { 200: schemas.previewAnswer },
    refusals: ['invalid-schedule', 'unknown-schedule', 'unknown-pipeline', ...bodyRefusals],
    handle: (orchestrator, { body }) => preview(orchestrator, body),
  },
  {
    method: 'get',
    path: '/api/schedules/upcoming',
    summary: 'The next slots of all schedules, and what they will meet',
    query: schemas.upcomingQuery,
    answers: { 200: schemas.upcomingAnswer },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query }) =>
      ok(
        await orchestrator.upcoming(
          query.limit as number,
          (query.per_schedule as number | undefined) ?? null,
        ),
      ),
  },
  {
    method: 'post',
    path: '/api/schedules/pause',
    summary: 'Hold all schedules: their slots are skipped, backfills wait',
    body: schemas.pauseBody,
    answers: { 200: schemas.pauseAnswer },
    refusals: bodyRefusals,
    handle: async (orchestrator, input) =>
      ok(
        await orchestrator.pauseSchedules(
          { reason: (input.body.reason as string | undefined) ?? null },
          actorOf(input),
        ),
      ),
  },
  {
    method: 'post',
    path: '/api/schedules/resume',
    summary: 'Let all schedules go on',
    body: schemas.emptyBody,
    answers: { 200: schemas.pauseAnswer },
    refusals: bodyRefusals,
    handle: async (orchestrator, input) =>
      ok(await orchestrator.pauseSchedules(null, actorOf(input))),
  },
  {
    method: 'get',
    path: '/api/schedules/backfills',
    summary: 'Backfills of all schedules, newest first',
    answers: { 200: schemas.backfillsAnswer },
    refusals: [],
    handle: async (orchestrator) => ok(await orchestrator.backfills(null)),
  },
  {
    method: 'post',
    path: '/api/schedules/backfills/{backfill}/cancel',
    summary: 'Do not run what still waits of a backfill',
    params: { backfill: schemas.backfillIdParam },
    body: schemas.emptyBody,
    answers: { 200: schemas.backfillAnswer },
    refusals: ['unknown-backfill', ...bodyRefusals],
    handle: async (orchestrator, input) =>
      ok(await orchestrator.cancelBackfill(input.params.backfill as string, actorOf(input))),
  },
  {
    method: 'get',
    path: '/api/schedules/{id}',
    summary: 'One schedule; its ETag begins with the version',
    params: param,
    answers: { 200: schemas.scheduleViewAnswer },
    refusals: ['unknown-schedule'],
    handle: async (orchestrator, input) =>
      tagged(200, await orchestrator.scheduleById(idOf(input))),
  },
  {
    method: 'patch',
    path: '/api/schedules/{id}',
    summary:
      'Change the fields that are named; null is back to the default, revert back to the file',
    params: param,
    body: schemas.changeBody,
    answers: { 200: schemas.scheduleViewAnswer },
    refusals: ['unknown-schedule', 'invalid-schedule', 'schedule-moved', ...bodyRefusals],
    handle: async (orchestrator, input) => {
      const { revert = [], ...changes } = input.body as z.infer<typeof schemas.changeBody>;
      return tagged(
        200,
        await orchestrator.changeSchedule(idOf(input), changes, {
          revert,
          ifVersion: await versionOf(orchestrator, input),
          actor: actorOf(input),
        }),
      );
    },
  },
  {
    method: 'delete',
    path: '/api/schedules/{id}',
    summary: 'Remove a schedule that was made by the API',
    params: param,
    answers: { 200: schemas.goneAnswer },
    refusals: ['unknown-schedule', 'defined-in-file', 'schedule-moved'],
    handle: async (orchestrator, input) => {
      await orchestrator.removeSchedule(idOf(input), {
        ifVersion: await versionOf(orchestrator, input),
        actor: actorOf(input),
      });
      return ok({ removed: idOf(input) });
    },
  },
  {
    method: 'get',
    path: '/api/schedules/{id}/slots',
    summary: 'What became of its slots, newest first',
    params: param,
    query: schemas.slotsQuery,
    answers: { 200: schemas.slotsAnswer },
    refusals: ['unknown-schedule', 'bad-parameter'],
    handle: async (orchestrator, input) => {
      const { before, limit } = input.query as z.infer<typeof schemas.slotsQuery>;
      return ok(
        await orchestrator.slotsOf(
          idOf(input),
          before === undefined ? null : Date.parse(before),
          limit,
        ),
      );
    },
  },
  {
    method: 'get',
    path: '/api/schedules/{id}/backfills',
    summary: 'Backfills of a schedule, newest first',
    params: param,
    answers: { 200: schemas.backfillsAnswer },
    refusals: ['unknown-schedule'],
    handle: async (orchestrator, input) => ok(await orchestrator.backfills(idOf(input))),
  },
  {
    method: 'post',
    path: '/api/schedules/{id}/backfills',
    summary: 'Run the slots of a past window, one after the other; dry_run only says which',
    params: param,
    body: schemas.backfillBody,
    answers: { 200: schemas.backfillAnswer, 202: schemas.backfillAnswer },
    refusals: ['unknown-schedule', 'invalid-backfill', ...bodyRefusals],
    handle: async (orchestrator, input) => {
      const { from, to, dry_run, again, reason } = input.body as z.infer<
        typeof schemas.backfillBody
      >;
      const request = {
        from: Date.parse(from),
        to: Date.parse(to),
        again,
        dryRun: dry_run,
        reason: reason ?? null,
        actor: actorOf(input),
      };
      return {
        status: dry_run ? 200 : 202,
        body: await orchestrator.backfill(idOf(input), request),
      };
    },
  },
];
