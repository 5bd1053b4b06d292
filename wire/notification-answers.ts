import { z } from 'zod';

const instant = z.iso.datetime({ precision: 3 });

const notificationSchema = z
  .object({
    id: z.string(),
    /** What the receiver is given as its id; the same for all that are told together. */
    message_id: z.string().nullable(),
    channel: z.string(),
    cause: z.string(),
    pipeline: z.string().nullable(),
    run_id: z.string().nullable(),
    at: instant,
    subject: z.string(),
    text: z.string(),
    /** The view that shows it. */
    path: z.string(),
    state: z.enum(['waiting', 'delivered', 'given-up']),
    attempts: z.int(),
    /** When it is tried next; null when it does not wait. */
    due_at: instant.nullable(),
    last_at: instant.nullable(),
    /** What the receiver said last. */
    answer: z.string().nullable(),
  })
  .meta({ id: 'Notification' });
export type NotificationView = z.infer<typeof notificationSchema>;

export const notificationsSchema = z.object({
  items: z.array(notificationSchema),
  next_cursor: z.string().nullable(),
});
export type Notifications = z.infer<typeof notificationsSchema>;

const channelSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['webhook', 'smtp', 'slack', 'ntfy', 'script', 'ping']),
    /** Whom it reaches, without what is secret of that. */
    target: z.string(),
    digest_ms: z.int(),
    state: z.enum(['ok', 'failing', 'untried']),
    waiting: z.int(),
    /** The oldest that waits. */
    waiting_since: instant.nullable(),
    /** What became of the last one that does not wait. */
    last: z
      .object({
        state: z.enum(['waiting', 'delivered', 'given-up']),
        at: instant,
        answer: z.string().nullable(),
      })
      .nullable(),
    /** What was answered when it failed, while it does. */
    failure: z.string().nullable(),
  })
  .meta({ id: 'Channel' });
export type ChannelView = z.infer<typeof channelSchema>;

export const channelsSchema = z.object({
  items: z.array(channelSchema),
  /** Who is told of what; `pipeline` null = by the settings of the service. */
  rules: z.array(
    z.object({
      pipeline: z.string().nullable(),
      on: z.array(z.string()),
      to: z.array(z.string()),
      after: z.int(),
      quiet: z.string().nullable(),
      repeat_ms: z.int().nullable(),
    }),
  ),
  /** Pipelines whose file says `notify: []`. */
  silent: z.array(z.string()),
  public_url: z.string().nullable(),
});
export type Channels = z.infer<typeof channelsSchema>;

export const testedSchema = z.object({
  channel: z.string(),
  delivered: z.boolean(),
  answer: z.string(),
  duration_ms: z.int(),
});
export type Tested = z.infer<typeof testedSchema>;

export const acceptedRetrySchema = z.object({ id: z.string() });
