import { z } from 'zod';
import type { ChartFormat, Orchestrator } from '../services/orchestrator/orchestrator-port.ts';

export const chartAnswers = { 200: z.record(z.string(), z.unknown()) };
/** What it is in the formats that are no JSON. */
export const chartMedia = ['image/svg+xml', 'text/plain', 'application/scxml+xml'] as const;

/** GET of a chart, as the text that its format is. */
export const chartAnswer = async (
  orchestrator: Orchestrator,
  of: { pipeline: string } | { runId: string },
  format: ChartFormat,
) => {
  const { type, body } = await orchestrator.chart(of, format);
  // A picture that is opened by itself may style itself, and nothing else.
  const headers = {
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  };
  return { status: 200 as const, body, type, ...(format === 'svg' && { headers }) };
};
