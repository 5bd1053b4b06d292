import { z } from 'zod';
import { durationText } from './duration.ts';

/**
 * Every finding and how grave it is: `error` = cannot work as written, `warning` = does not do what
 * it seems to say.
 */
export const lintRules = {
  'longer-than-interval': 'warning',
  'never-due': 'warning',
  'schedules-collide': 'warning',
  'default-timeout': 'info',
  'no-heartbeat': 'info',
  'limit-never-reached': 'warning',
  'retry-never-reached': 'warning',
  'permanent-error-retried': 'warning',
  'class-never-used': 'warning',
  'backoff-max-below-initial': 'warning',
  'retries-without-wait': 'warning',
  'grace-beyond-shutdown': 'info',
  'shared-files': 'warning',
  'memory-below-node': 'error',
  'double-dollar': 'warning',
  'unknown-channel': 'warning',
  'when-constant': 'warning',
  'approval-without-deadline': 'warning',
} as const;
export type LintCode = keyof typeof lintRules;

/** Something in a valid pipeline file that may still not be what was meant. */
export const lintFindingSchema = z.object({
  code: z.enum(Object.keys(lintRules) as [LintCode, ...LintCode[]]),
  severity: z.enum(['info', 'warning', 'error']),
  /** JSON pointer into the file. */
  pointer: z.string(),
  line: z.int().nullable(),
  detail: z.string(),
  advice: z.string(),
});
export type LintFinding = z.infer<typeof lintFindingSchema>;
/** What a rule says; the line is known to who has read the file. */
export type Finding = Omit<LintFinding, 'line'>;

/** What the planner knows of a schedule. */
export type ScheduleFacts = {
  id: string;
  /** JSON pointer into the file; that of all of them for one that is not in it. */
  pointer: string;
  enabled: boolean;
  /** Was it said what happens when a run is live? */
  saysOverlap: boolean;
  /** Shortest time between two slots; null = it has no two. */
  intervalMs: number | null;
  /** No slot is to come. */
  isOver: boolean;
  /** Who before it is due in the same second, and when first (local time); null = nobody. */
  meets: { other: string; at: string } | null;
};

export const found = (
  code: LintCode,
  pointer: string,
  detail: string,
  advice: string,
): Finding => ({
  code,
  severity: lintRules[code],
  pointer,
  detail,
  advice,
});

/** A limit that another one, wider out, always comes before. */
export const neverReached = (
  pointer: string,
  ms: number,
  sooner: string,
  soonerMs: number,
): Finding => {
  const [name, other] = [pointer, sooner].map((one) => one.split('/').at(-1));
  const whose = sooner.startsWith('/stages') ? other : `${other} of the run`;
  return found(
    'limit-never-reached',
    pointer,
    `${name} ${durationText(ms)} never counts: ${whose}, ${durationText(soonerMs)}, is reached first`,
    `make ${name} shorter than that, or leave it out`,
  );
};
