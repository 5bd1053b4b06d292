import { openApi } from './openapi.ts';

type Schema = {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
};
type Parameter = { name: string; in: 'path' | 'query'; required: boolean; schema: Schema };
type Content = { content?: Record<string, { schema: Schema }> };
type Operation = {
  parameters: Parameter[];
  requestBody?: Content;
  responses: Record<string, Content>;
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
const keyOf = (name: string): string => (/^[a-z_]\w*$/i.test(name) ? name : `'${name}'`);
const words: Record<string, string> = {
  integer: 'number',
  number: 'number',
  string: 'string',
  boolean: 'boolean',
  null: 'null',
};

/** A JSON Schema as a TypeScript type; what it does not know is `unknown`. */
const typeOf = (schema: Schema): string => {
  if (schema.$ref) return schema.$ref.split('/').at(-1) as string;
  if ('const' in schema) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(' | ');
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return some.map(typeOf).join(' | ');
  if (schema.allOf) return schema.allOf.map((one) => `(${typeOf(one)})`).join(' & ');
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  if (schema.type === 'array') return `(${typeOf(schema.items ?? {})})[]`;
  if (schema.type !== 'object') return words[schema.type ?? ''] ?? 'unknown';
  const { properties = {}, required = [], additionalProperties } = schema;
  const members = Object.entries(properties).map(
    ([name, one]) => `${keyOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(one)}`,
  );
  if (typeof additionalProperties === 'object')
    members.push(`[key: string]: ${members.length > 0 ? 'unknown' : typeOf(additionalProperties)}`);
  return `{ ${members.join('; ')} }`;
};

const objectOf = (parameters: Parameter[]): string =>
  typeOf({
    type: 'object',
    properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  });

const operationType = ({ parameters, requestBody, responses }: Operation): string => {
  const path = objectOf(parameters.filter((one) => one.in === 'path'));
  const query = objectOf(parameters.filter((one) => one.in === 'query'));
  const body = requestBody?.content?.['application/json']?.schema;
  const answers = Object.entries(responses).flatMap(([status, { content }]) => {
    const schema = Number(status) < 300 ? content?.['application/json']?.schema : undefined;
    return schema ? [typeOf(schema)] : [];
  });
  const parts = [`path: ${path}`, `query: ${query}`, `body: ${body ? typeOf(body) : 'never'}`];
  return `{ ${parts.join('; ')}; answer: ${[...new Set(answers)].join(' | ')} }`;
};

/**
 * The TypeScript of every operation: `client/api.ts` asks by it, so a client that misspells a field
 * does not compile.
 */
export const clientTypes = (): string => {
  const { paths, components } = openApi('') as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => `  '${method.toUpperCase()} ${path}': ${operationType(operation)};`,
    ),
  );
  const named = Object.entries(components.schemas).map(
    ([name, schema]) => `export type ${name} = ${typeOf(schema)};`,
  );
  return [
    '// Made by `npm run generate` from the OpenAPI document; change the routes, not this file.',
    ...named,
    'export type Operations = {',
    ...operations,
    '};',
    '',
  ].join('\n');
};
