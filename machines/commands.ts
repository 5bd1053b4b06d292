import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import type { CommandType } from '../wire/status.ts';
import type { SentEvent } from './context.ts';

const json = z.record(z.string(), z.json());
const reason = freeText(1000).optional();
const stage = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the name of a stage')
  .optional();

/**
 * What a client may ask of a run: a closed union, so that nobody can send an event of the chart's
 * own.
 */
export const commandSchema = z.discriminatedUnion(
  'type',
  [
    /** Ends what works; STOPPED once no process is left. Again: only a smaller `grace_ms` counts. */
    closed({ type: z.literal('STOP'), reason, grace_ms: z.int().min(0).max(3_600_000).optional() }),
    /** Does not wait for the backoff. */
    closed({ type: z.literal('RETRY_NOW'), reason }),
    /** A new run that takes over what finished; from the stage that failed, or the one named. */
    closed({
      type: z.literal('RETRY_FROM'),
      reason,
      stage,
      definition: z.enum(['pinned', 'latest']).default('pinned'),
    }),
    /**
     * The current stage is over; one that works is ended first. `outputs` where a later stage needs
     * them.
     */
    closed({ type: z.literal('SKIP_STAGE'), reason, stage, outputs: json.optional() }),
    /** Holds the run where nothing works: after the stage, or instead of its next attempt. */
    closed({ type: z.literal('PAUSE'), reason }),
    closed({ type: z.literal('RESUME'), reason }),
  ],
  { error: 'expected one of STOP, RETRY_NOW, RETRY_FROM, SKIP_STAGE, PAUSE, RESUME' },
);
export type Command = z.infer<typeof commandSchema>;

/** A command as the chart is told it. */
export const eventOfCommand = (command: Command, by: string): SentEvent => {
  const asked = { by, reason: command.reason ?? null };
  if (command.type === 'STOP')
    return { type: 'STOP', ...asked, grace_ms: command.grace_ms ?? null };
  if (command.type === 'SKIP_STAGE')
    return {
      type: 'SKIP_STAGE',
      ...asked,
      stage: command.stage ?? null,
      outputs: command.outputs ?? null,
    };
  return { type: command.type, ...asked };
};

/** The plainest form of each command: what `allowed` asks the chart about. */
export const plainCommands: Record<CommandType, Command> = {
  STOP: { type: 'STOP' },
  RETRY_NOW: { type: 'RETRY_NOW' },
  RETRY_FROM: { type: 'RETRY_FROM', definition: 'pinned' },
  SKIP_STAGE: { type: 'SKIP_STAGE' },
  PAUSE: { type: 'PAUSE' },
  RESUME: { type: 'RESUME' },
};
