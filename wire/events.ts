import { z } from 'zod';

/**
 * One word per fact; the catalogue of shared meaning between service, stream, archive and clients.
 */
export const eventNameSchema = z.enum([
  'accepted',
  'queued',
  'started',
  'succeeded',
  'failed',
  'skipped',
  'reused',
  'retrying',
  'stopped',
  'paused',
  'resumed',
  'approval_requested',
  'approved',
  'rejected',
  'state_change',
  'why_change',
  'progress',
  'lost',
  'recovered',
  'refused',
  'stale',
  'acknowledged',
  'heartbeat',
  'blocked',
  'fired',
  'missed',
  'changed',
  'warning',
  'error',
]);
const severitySchema = z.enum(['debug', 'info', 'warning', 'error']);

/** A recorded fact, as the API, the stream and the archive show it. */
export const eventSchema = z
  .object({
    v: z.literal(1),
    id: z.string(),
    seq: z.number().int(),
    run_id: z.string().nullable(),
    run_seq: z.number().int().nullable(),
    pipeline: z.string().nullable(),
    /** A stage name, or pipeline | scheduler | watchdog | system. */
    stage: z.string(),
    event: eventNameSchema,
    timestamp: z.iso.datetime({ precision: 3 }),
    severity: severitySchema,
    attempt: z.number().int().optional(),
    msg: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });
export type JournalEvent = z.infer<typeof eventSchema>;
/** An event before the store has numbered it. */
export type NewEvent = Pick<JournalEvent, 'stage' | 'event' | 'severity' | 'msg' | 'data'> & {
  attempt?: number;
};
