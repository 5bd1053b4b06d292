import { z } from 'zod';
import { closed } from '../closed.ts';
import { durationSchema } from '../duration.ts';
import { freeText } from '../free-text.ts';
import { stageKind } from './kind-rules.ts';

const words = ['approve', 'reject'] as const;
type Approval = {
  kind: 'approval';
  message: string;
  /** null = it waits for ever. */
  deadlineMs: number | null;
  /** What holds when nobody has said anything by then. */
  otherwise: (typeof words)[number];
};

/** Nothing runs: somebody says whether the run goes on. */
export const approvalKind = stageKind({
  key: 'approval',
  written: closed({
    message: freeText(1000)
      .refine((text) => text.trim() !== '', { error: 'is empty: say what is asked' })
      .refine((text) => !text.includes('${'), { error: 'takes no ${…}' }),
    deadline: durationSchema.refine((ms) => ms > 0, { error: 'must be more than 0' }).optional(),
    default: z.enum(words).optional(),
  }).refine(({ deadline, default: word }) => word === undefined || deadline !== undefined, {
    path: ['default'],
    error: 'has no meaning without a deadline',
  }),
  fromFile: ({ message, deadline, default: otherwise }): Approval => ({
    kind: 'approval',
    message,
    deadlineMs: deadline ?? null,
    otherwise: otherwise ?? 'reject',
  }),
  answer: z.object({
    message: z.string(),
    deadline_ms: z.number().nullable(),
    default: z.enum(words),
  }),
  view: ({ message, deadlineMs, otherwise }) => ({
    message,
    deadline_ms: deadlineMs,
    default: otherwise,
  }),
  describe: () => 'approval',
  parts: () => [],
  isVerbatim: true,
  problems: () => [],
  lint: () => [],
  // There is no attempt that they could be about.
  refuses: [
    'with',
    'cwd',
    'env',
    'envFile',
    'timeoutMs',
    'totalTimeoutMs',
    'warnAfterMs',
    'heartbeatMs',
    'graceMs',
    'retry',
    'files',
    'onRestart',
    'allowFailure',
    'limits',
  ],
});
