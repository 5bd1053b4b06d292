import { z } from 'zod';
import { serviceErrors } from '../services/service-error.ts';
import { problemSchema } from './problem.ts';
import { type Route, routes } from './routes.ts';

type Json = Record<string, unknown>;
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
};

const parametersOf = ({ params, query }: Route): Json[] => {
  const inQuery = query ? (schemaOf(query, 'input') as { properties?: Record<string, Json>; required?: string[] }) : {};
  return [
    ...Object.entries(params ?? {}).map(([name, schema]) => ({ name, in: 'path', required: true, schema: schemaOf(schema, 'input') })),
    ...Object.entries(inQuery.properties ?? {}).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
  ];
};

/** Refusals any route may answer, from the checks before it. */
const common = ['foreign-origin', 'unknown-host', 'internal', 'starting'] as const;

const answersOf = (route: Route): Json => {
  const answers: Record<string, Json> = {};
  for (const [status, schema] of Object.entries(route.answers))
    answers[status] = { description: 'as asked', content: { 'application/json': { schema: schemaOf(schema, 'output') } } };
  const invalid = route.params || route.query ? (['invalid-id', 'bad-parameter'] as const) : [];
  for (const code of new Set([...route.refusals, ...invalid, ...common])) {
    const [status, title] = serviceErrors[code];
    const known = answers[status]?.description;
    answers[status] = {
      description: known && known !== 'as asked' ? `${known}; ${code}: ${title}` : `${code}: ${title}`,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return answers;
};

/** OpenAPI 3.1 from the same table that registers and validates. */
export const openApi = (version: string): Json => {
  const paths: Record<string, Json> = {};
  for (const route of routes)
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: {
        summary: route.summary,
        parameters: parametersOf(route),
        ...(route.body && { requestBody: { content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }),
        responses: answersOf(route),
      },
    };
  return {
    openapi: '3.1.0',
    info: { title: 'Stagewright', version, description: 'A few pipelines, run right every time, explained.' },
    paths,
    components: { schemas: { Problem: schemaOf(problemSchema, 'output') } },
  };
};
