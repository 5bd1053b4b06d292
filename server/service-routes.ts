import { z } from 'zod';
import { pipelineSchemaText } from '../definition/pipeline-json-schema.ts';
import { type HealthReport, healthReportSchema } from '../wire/health-report.ts';
import type { Role } from '../wire/role.ts';
import { eventsSchema } from '../wire/run-answers.ts';
import { given } from './given.ts';
import { ok, type Route, route } from './route.ts';
import { eventsQuery } from './schemas.ts';

/**
 * Three questions, one answer: is it well, does it live (whatever it does), and may it be sent
 * work?
 */
const healthPaths: Record<string, { role: Role; isFine: (report: HealthReport) => boolean }> = {
  '/api/health': {
    role: 'read',
    isFine: ({ status }) => status === 'ok' || status === 'degraded',
  },
  '/healthz': { role: 'none', isFine: () => true },
  '/readyz': { role: 'none', isFine: ({ ready }) => ready },
};

const schemaType = 'application/schema+json';

export const serviceRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/events',
    summary: 'The journal; the newest events, or those after a seq',
    role: 'read',
    query: eventsQuery,
    answers: { 200: eventsSchema },
    refusals: ['bad-parameter'],
    handle: async (orchestrator, { query: { run_id: runId, ...rest } }) =>
      ok(await orchestrator.events(given({ ...rest, runId }))),
  }),
  route({
    method: 'get',
    path: '/schemas/pipeline.json',
    summary: 'JSON Schema of the pipeline file, for editors',
    role: 'none',
    answers: { 200: z.string() },
    media: [schemaType],
    refusals: [],
    handle: async () => ({ status: 200, type: schemaType, body: pipelineSchemaText() }),
  }),
  ...Object.entries(healthPaths).map(([path, { role, isFine }]) =>
    route({
      method: 'get',
      path,
      summary: 'Is the service well?',
      role,
      answers: { 200: healthReportSchema, 503: healthReportSchema },
      refusals: [],
      handle: async (orchestrator) => {
        const report = orchestrator.health();
        return { status: isFine(report) ? 200 : 503, body: report };
      },
    }),
  ),
];
