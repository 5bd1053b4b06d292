import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import { type CommandType, commandTable, commandTypes } from '../wire/command-table.ts';
import type { SentEvent } from './context.ts';

const json = z.record(z.string(), z.json());
const reason = freeText(1000).optional();
const stage = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the name of a stage')
  .optional();

type Asked = { by: string; reason: string | null };
/** The fields that commands may have beside their type; each event takes its own. */
type Given = {
  reason?: string | undefined;
  grace_ms?: number | undefined;
  stage?: string | undefined;
  outputs?: Record<string, unknown> | undefined;
};
type Told = (asked: Asked, given: Given) => SentEvent;

/**
 * What may be asked in a command of this type, beside its reason, and the event that the chart is
 * told. The table of words and verbs (wire/command-table.ts) says who may give it.
 */
const command = <T extends CommandType, S extends z.ZodRawShape>(
  type: T,
  fields: S,
  event: Told,
) => ({
  schema: closed({ type: z.literal(type), reason, ...fields }).meta({
    'x-role': commandTable[type].role,
  }),
  event,
});

const table = {
  /** Ends what works; STOPPED once no process is left. Again: only a smaller `grace_ms` counts. */
  STOP: command(
    'STOP',
    { grace_ms: z.int().min(0).max(3_600_000).optional() },
    (asked, { grace_ms = null }) => ({ type: 'STOP', ...asked, grace_ms }),
  ),
  /** Does not wait for the backoff. */
  RETRY_NOW: command('RETRY_NOW', { stage }, (asked, { stage = null }) => ({
    type: 'RETRY_NOW',
    ...asked,
    stage,
  })),
  /** A new run that takes over what finished; from the stage that failed, or the one named. */
  RETRY_FROM: command(
    'RETRY_FROM',
    { stage, definition: z.enum(['pinned', 'latest']).default('pinned') },
    (asked) => ({ type: 'RETRY_FROM', ...asked }),
  ),
  /**
   * The current stage is over; one that works is ended first. `outputs` where a later stage needs
   * them.
   */
  SKIP_STAGE: command(
    'SKIP_STAGE',
    { stage, outputs: json.optional() },
    (asked, { stage = null, outputs = null }) => ({ type: 'SKIP_STAGE', ...asked, stage, outputs }),
  ),
  /** Holds the run where nothing works: after the stage, or instead of its next attempt. */
  /** Lets the run go on; the stage that waits for it, or the one named. */
  APPROVE: command('APPROVE', { stage }, (asked, { stage = null }) => ({
    type: 'APPROVE',
    ...asked,
    stage,
  })),
  /** The run fails, with the outcome `rejected`. */
  REJECT: command('REJECT', { stage }, (asked, { stage = null }) => ({
    type: 'REJECT',
    ...asked,
    stage,
  })),
  PAUSE: command('PAUSE', {}, (asked) => ({ type: 'PAUSE', ...asked })),
  RESUME: command('RESUME', {}, (asked) => ({ type: 'RESUME', ...asked })),
} satisfies { [T in CommandType]: { schema: z.ZodType<{ type: T }>; event: Told } };

type Schema = (typeof table)[CommandType]['schema'];
/**
 * What a client may ask of a run: a closed union, so that nobody can send an event of the chart's
 * own.
 */
export const commandSchema = z.discriminatedUnion(
  'type',
  commandTypes.map((type) => table[type].schema) as [Schema, ...Schema[]],
  { error: `expected one of ${commandTypes.join(', ')}` },
);
export type Command = z.infer<Schema>;

/** A command as the chart is told it. */
export const eventOfCommand = (command: Command, by: string): SentEvent =>
  table[command.type].event({ by, reason: command.reason ?? null }, command);

/** The plainest form of each command: what `allowed` asks the chart about. */
export const plainCommands = Object.fromEntries(
  commandTypes.map((type) => [type, table[type].schema.parse({ type })]),
) as Record<CommandType, Command>;
