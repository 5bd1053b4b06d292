import type { z } from 'zod';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import * as wire from '../wire/schedule-view.ts';
import { digestOf, etagOf, versionAsked } from './etag.ts';
import { type Asked, ok, type Route, route } from './route.ts';
import * as schemas from './schedule-schemas.ts';
import { pipelineQuery } from './schemas.ts';
import { actorOf } from './who-asks.ts';

const versionOf = (
  orchestrator: Orchestrator,
  { header, params: { id } }: Pick<Asked, 'header'> & { params: { id: string } },
): Promise<number | null> =>
  versionAsked(
    header('if-match'),
    'schedule-moved',
    async () => (await orchestrator.scheduleById(id)).version,
  );
/** The ETag begins with the version; what its slots became changes the rest. */
const tagged = <S extends number>(status: S, schedule: wire.ScheduleView, headers = {}) => ({
  status,
  body: schedule,
  headers: { ETag: etagOf(schedule.version, digestOf(schedule)), ...headers },
});

type PreviewAsked = z.output<typeof schemas.previewBody> | z.output<typeof schemas.previewQuery>;
const preview = async (
  orchestrator: Orchestrator,
  { id, pipeline, from, count, ...written }: PreviewAsked,
) => {
  const bound = from === undefined ? null : Date.parse(from) - 1;
  const which = { id: id ?? null, pipeline: pipeline ?? null };
  return ok(await orchestrator.previewSchedule({ ...which, written, from: bound, count }));
};

const param = { id: schemas.scheduleIdParam };
/** Fixed addresses stand before those with an id. */
export const scheduleRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/schedule',
    summary: "The pipeline's main schedule",
    role: 'read',
    query: pipelineQuery,
    answers: { 200: wire.classicScheduleSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { query: { pipeline = orchestrator.defaultPipeline() } }) =>
      ok(await orchestrator.schedule(pipeline)),
  }),
  route({
    method: 'post',
    path: '/api/schedule',
    summary: 'Change what is named of the main schedule; made when there is none',
    role: 'admin',
    query: pipelineQuery,
    body: schemas.classicBody,
    answers: { 200: wire.classicScheduleSchema },
    refusals: ['unknown-pipeline', 'invalid-schedule', 'schedule-exists', 'too-many-schedules'],
    handle: async (orchestrator, input) => {
      const { pipeline = orchestrator.defaultPipeline() } = input.query;
      return ok(await orchestrator.setSchedule(pipeline, input.body, actorOf(input)));
    },
  }),
  route({
    method: 'get',
    path: '/api/schedules',
    summary: 'Every schedule, what it did last and does next',
    role: 'read',
    query: schemas.schedulesQuery,
    answers: { 200: wire.schedulesSchema },
    refusals: ['unknown-pipeline'],
    handle: async (orchestrator, { query }) =>
      ok(await orchestrator.schedules(query.pipeline ?? null)),
  }),
  route({
    method: 'post',
    path: '/api/schedules',
    summary: 'Make a schedule',
    role: 'admin',
    body: schemas.createBody,
    answers: { 201: wire.scheduleViewSchema },
    refusals: ['unknown-pipeline', 'invalid-schedule', 'schedule-exists', 'too-many-schedules'],
    handle: async (orchestrator, input) => {
      const { id = null, pipeline = orchestrator.defaultPipeline(), ...written } = input.body;
      const made = await orchestrator.createSchedule(id, pipeline, written, actorOf(input));
      return tagged(201, made, { Location: `/api/schedules/${made.id}` });
    },
  }),
  route({
    method: 'get',
    path: '/api/schedules/preview',
    summary: 'When a schedule would be due, with clock changes, overlaps and blackout',
    role: 'read',
    query: schemas.previewQuery,
    answers: { 200: wire.previewSchema },
    refusals: ['bad-parameter', 'invalid-schedule', 'unknown-schedule', 'unknown-pipeline'],
    handle: (orchestrator, { query }) => preview(orchestrator, query),
  }),
  route({
    method: 'post',
    path: '/api/schedules/preview',
    summary: 'The same, for every field of a schedule',
    role: 'read',
    body: schemas.previewBody,
    answers: { 200: wire.previewSchema },
    refusals: ['invalid-schedule', 'unknown-schedule', 'unknown-pipeline'],
    handle: (orchestrator, { body }) => preview(orchestrator, body),
  }),
  route({
    method: 'get',
    path: '/api/schedules/upcoming',
    summary: 'The next slots of all schedules, and what they will meet',
    role: 'read',
    query: schemas.upcomingQuery,
    answers: { 200: wire.upcomingSchema },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query }) =>
      ok(await orchestrator.upcoming(query.limit, query.per_schedule ?? null)),
  }),
  route({
    method: 'post',
    path: '/api/schedules/pause',
    summary: 'Hold all schedules: their slots are skipped, backfills wait',
    role: 'admin',
    body: schemas.pauseBody,
    answers: { 200: wire.pauseSchema },
    refusals: [],
    handle: async (orchestrator, input) => {
      const { reason = null } = input.body;
      return ok(await orchestrator.pauseSchedules({ reason }, actorOf(input)));
    },
  }),
  route({
    method: 'post',
    path: '/api/schedules/resume',
    summary: 'Let all schedules go on',
    role: 'admin',
    body: schemas.emptyBody,
    answers: { 200: wire.pauseSchema },
    refusals: [],
    handle: async (orchestrator, input) =>
      ok(await orchestrator.pauseSchedules(null, actorOf(input))),
  }),
  route({
    method: 'get',
    path: '/api/schedules/backfills',
    summary: 'Backfills of all schedules, newest first',
    role: 'read',
    answers: { 200: wire.backfillsSchema },
    refusals: [],
    handle: async (orchestrator) => ok(await orchestrator.backfills(null)),
  }),
  route({
    method: 'post',
    path: '/api/schedules/backfills/{backfill}/cancel',
    summary: 'Do not run what still waits of a backfill',
    role: 'admin',
    params: { backfill: schemas.backfillIdParam },
    body: schemas.emptyBody,
    answers: { 200: wire.backfillSchema },
    refusals: ['unknown-backfill'],
    handle: async (orchestrator, input) =>
      ok(await orchestrator.cancelBackfill(input.params.backfill, actorOf(input))),
  }),
  route({
    method: 'get',
    path: '/api/schedules/{id}',
    summary: 'One schedule; its ETag begins with the version',
    role: 'read',
    params: param,
    answers: { 200: wire.scheduleViewSchema },
    refusals: ['unknown-schedule'],
    handle: async (orchestrator, { params }) =>
      tagged(200, await orchestrator.scheduleById(params.id)),
  }),
  route({
    method: 'patch',
    path: '/api/schedules/{id}',
    summary:
      'Change the fields that are named; null is back to the default, revert back to the file',
    role: 'admin',
    params: param,
    body: schemas.changeBody,
    answers: { 200: wire.scheduleViewSchema },
    refusals: ['unknown-schedule', 'invalid-schedule', 'schedule-moved'],
    handle: async (orchestrator, input) => {
      const { revert = [], ...changes } = input.body;
      return tagged(
        200,
        await orchestrator.changeSchedule(input.params.id, changes, {
          revert,
          ifVersion: await versionOf(orchestrator, input),
          actor: actorOf(input),
        }),
      );
    },
  }),
  route({
    method: 'delete',
    path: '/api/schedules/{id}',
    summary: 'Remove a schedule that was made by the API',
    role: 'admin',
    params: param,
    answers: { 200: schemas.removedSchema },
    refusals: ['unknown-schedule', 'defined-in-file', 'schedule-moved'],
    handle: async (orchestrator, input) => {
      await orchestrator.removeSchedule(input.params.id, {
        ifVersion: await versionOf(orchestrator, input),
        actor: actorOf(input),
      });
      return ok({ removed: input.params.id });
    },
  }),
  route({
    method: 'get',
    path: '/api/schedules/{id}/slots',
    summary: 'What became of its slots, newest first',
    role: 'read',
    params: param,
    query: schemas.slotsQuery,
    answers: { 200: wire.slotsSchema },
    refusals: ['unknown-schedule', 'bad-parameter'],
    handle: async (orchestrator, input) => {
      const { before, limit } = input.query;
      return ok(
        await orchestrator.slotsOf(
          input.params.id,
          before === undefined ? null : Date.parse(before),
          limit,
        ),
      );
    },
  }),
  route({
    method: 'get',
    path: '/api/schedules/{id}/backfills',
    summary: 'Backfills of a schedule, newest first',
    role: 'read',
    params: param,
    answers: { 200: wire.backfillsSchema },
    refusals: ['unknown-schedule'],
    handle: async (orchestrator, input) => ok(await orchestrator.backfills(input.params.id)),
  }),
  route({
    method: 'post',
    path: '/api/schedules/{id}/backfills',
    summary: 'Run the slots of a past window, one after the other; dry_run only says which',
    role: 'admin',
    params: param,
    body: schemas.backfillBody,
    answers: { 200: wire.backfillSchema, 202: wire.backfillSchema },
    refusals: ['unknown-schedule', 'invalid-backfill'],
    handle: async (orchestrator, input) => {
      const { from, to, dry_run, again, reason } = input.body;
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
        body: await orchestrator.backfill(input.params.id, request),
      };
    },
  }),
];
