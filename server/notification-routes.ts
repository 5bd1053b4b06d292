import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { channelNameSchema } from '../definition/notify.ts';
import * as wire from '../wire/notification-answers.ts';
import { given } from './given.ts';
import { ok, type Route, route } from './route.ts';
import { nameParam, wholeNumber } from './schemas.ts';

const notificationIdParam = z
  .string()
  .regex(/^n_[1-9]\d{0,14}$/, 'expected the id of a notification such as n_12');
const listQuery = closed({
  channel: channelNameSchema.optional(),
  state: z.enum(['waiting', 'delivered', 'given-up']).optional(),
  pipeline: nameParam.optional(),
  limit: wholeNumber(1, 200).default(50),
  cursor: notificationIdParam.optional(),
});
const testBody = closed({ channel: channelNameSchema });

/** Who is told of what, what became of it, and whether it works. */
export const notificationRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/channels',
    summary: 'Where messages go, whether they arrive, and who is told of what',
    role: 'read',
    answers: { 200: wire.channelsSchema },
    refusals: [],
    handle: async (orchestrator) => ok(await orchestrator.channels()),
  }),
  route({
    method: 'get',
    path: '/api/notifications',
    summary: 'What was told and what waits, the newest first',
    role: 'read',
    query: listQuery,
    answers: { 200: wire.notificationsSchema },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query: { cursor, ...rest } }) =>
      ok(await orchestrator.notifications(given({ ...rest, before: cursor }))),
  }),
  route({
    method: 'post',
    path: '/api/notifications/test',
    summary: 'Deliver a message to a channel now, and say what was answered',
    role: 'operate',
    body: testBody,
    answers: { 200: wire.testedSchema },
    refusals: ['unknown-channel'],
    handle: async (orchestrator, { body: { channel } }) =>
      ok(await orchestrator.testChannel(channel)),
  }),
  route({
    method: 'post',
    path: '/api/notifications/{id}/retry',
    summary: 'Try a message again at once, with those that are told together with it',
    role: 'operate',
    params: { id: notificationIdParam },
    body: closed({}),
    answers: { 202: wire.acceptedRetrySchema },
    refusals: ['unknown-notification', 'already-delivered', 'invalid-id'],
    handle: async (orchestrator, { params: { id } }) => {
      await orchestrator.retryNotification(id);
      return { status: 202, body: { id } };
    },
  }),
];
