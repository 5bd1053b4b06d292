import { z } from 'zod';
import { serviceErrors } from '../services/host/service-error.ts';
import { problemSchema } from './problem.ts';
import type { Route } from './route.ts';
import { routes } from './routes.ts';

type Json = Record<string, unknown>;
/** A schema as the documents show it; those with an id are put into `named` and referred to. */
export const schemaOf = (schema: z.ZodType, io: 'input' | 'output', named: Json): Json => {
  const {
    $schema: _,
    $defs,
    ...rest
  } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  for (const [name, one] of Object.entries(($defs ?? {}) as Record<string, Json>)) {
    const { id: __, ...definition } = one;
    named[name] = lifted(definition);
  }
  return lifted(rest) as Json;
};
/** References to `$defs` of one schema become references to the document's components. */
const lifted = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/')) as unknown;

const parametersOf = ({ params, query }: Route, named: Json): Json[] => {
  const { properties = {} } = schemaOf(query, 'input', named) as {
    properties?: Record<string, Json>;
  };
  return [
    ...Object.entries(params).map(([name, schema]) => ({
      name,
      in: 'path',
      required: true,
      schema: schemaOf(schema, 'input', named),
    })),
    ...Object.entries(properties).map(([name, schema]) => ({
      name,
      in: 'query',
      required: false,
      schema,
    })),
  ];
};

/** Refusals any route may answer, from the checks before it; those with a body also the others. */
const ofBodies = [
  'invalid-json',
  'body-too-large',
  'unsupported-media-type',
  'invalid-body',
] as const;
const common = [
  'foreign-origin',
  'unknown-host',
  'internal',
  'starting',
  'store-unavailable',
] as const;

const answersOf = (route: Route, named: Json): Json => {
  const answers: Record<string, Json> = {};
  for (const [status, schema] of Object.entries(route.answers))
    answers[status] = {
      description: 'as asked',
      content: {
        'application/json': { schema: schemaOf(schema, 'output', named) },
        ...Object.fromEntries(
          (route.media ?? []).map((type) => [type, { schema: { type: 'string' } }]),
        ),
      },
    };
  const invalid = Object.keys(route.params).length > 0 ? (['invalid-id'] as const) : [];
  const before = [...(route.body ? ofBodies : []), ...invalid, 'bad-parameter', ...common] as const;
  for (const code of new Set([...route.refusals, ...before])) {
    const [status, title] = serviceErrors[code];
    const known = answers[status]?.description;
    answers[status] = {
      description:
        known && known !== 'as asked' ? `${known}; ${code}: ${title}` : `${code}: ${title}`,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return answers;
};

/** What the viewers group by. */
const tagOf = (path: string): string =>
  path.startsWith('/api/runs')
    ? 'runs'
    : path.startsWith('/api/schedule')
      ? 'schedules'
      : path.startsWith('/api/pipeline')
        ? 'pipelines'
        : 'service';

/** OpenAPI 3.1 from the same table that registers and validates. */
export const openApi = (version: string): Json => {
  const paths: Record<string, Json> = {};
  const named: Json = {};
  named.Problem = schemaOf(problemSchema, 'output', named);
  for (const route of routes)
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: {
        summary: route.summary,
        'x-role': route.role,
        tags: [tagOf(route.path)],
        parameters: parametersOf(route, named),
        ...(route.body && {
          requestBody: {
            content: { 'application/json': { schema: schemaOf(route.body, 'input', named) } },
          },
        }),
        responses: answersOf(route, named),
      },
    };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Stagewright',
      version,
      description: 'A few pipelines, run right every time, explained.',
    },
    paths,
    components: { schemas: named },
  };
};
