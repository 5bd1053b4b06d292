import { z } from 'zod';

const checkSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  detail: z.string(),
  code: z.string().optional(),
  since: z.string().optional(),
});
/** How the service is: each part answers for itself. */
export const healthReportSchema = z.object({
  status: z.enum(['ok', 'degraded', 'draining', 'starting']),
  checks: z.record(z.string(), checkSchema),
  /** New runs may be started: the answer of /readyz. */
  ready: z.boolean(),
});
export type HealthReport = z.infer<typeof healthReportSchema>;
