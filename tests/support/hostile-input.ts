import { routes } from '../../server/routes.ts';

export type HostileRequest = {
  operation: string;
  method: string;
  path: string;
  body: string | null;
  headers: Record<string, string>;
};
type Schema = {
  type?: string;
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
};
type Operation = {
  parameters: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
};
export type OpenApiDocument = { paths: Record<string, Record<string, Operation>> };
export type AsyncApiDocument = {
  channels: Record<
    string,
    { address: string; bindings: { ws: { query: { properties?: Record<string, Schema> } } } }
  >;
};

const mib = 1024 * 1024;
const nested = (levels: number, open: string, close: string): string =>
  open.repeat(levels) + close.repeat(levels);
/** As much of it as fits into a body with what stands around it. */
const upTo = (bytes: number, part: string): string =>
  part.repeat(Math.floor((bytes - 300) / part.length));

/** Values that cost where something is read by recursion, by value, by pattern or by name. */
const values = (bytes: number): Record<string, string> => ({
  'deep lists': nested(Math.floor((bytes - 300) / 2), '[', ']'),
  'deep objects': `${upTo(bytes / 2, '{"a":')}1${'}'.repeat(Math.floor((bytes / 2 - 300) / 5))}`,
  'lists that never end': upTo(bytes, '['),
  'as deep as may be': nested(60, '[', ']'),
  'many numbers': `[${upTo(bytes, '1,')}1]`,
  'as many as may be': `[${'1,'.repeat(9000)}1]`,
  'many keys': `{${Array.from({ length: Math.floor(bytes / 14) }, (_, index) => `"k${index}":1`)}}`,
  'as many keys as may be': `{${Array.from({ length: 4500 }, (_, index) => `"${'k'.repeat(60)}${index}":1`)}}`,
  'one long key': `{"${upTo(bytes, 'k')}":1}`,
  'the same key again': `{${upTo(bytes, '"a":1,')}"a":1}`,
  'a long text': `"${upTo(bytes, 'a')}"`,
  'a text of spaces': `"${upTo(bytes, ' ')}!"`,
  'a text of stars': `"${upTo(bytes, '*')}"`,
  'a text of slashes and commas': `"${upTo(bytes, '*/1,')}"`,
  'a text of digits': `"${upTo(bytes, '9')}"`,
  'a long number': upTo(bytes, '9'),
  'a number out of range': '1e999',
  'a text of escapes': `"${upTo(bytes, '\\u0000')}"`,
  'unpaired surrogates': `"${upTo(bytes, '\\ud800')}"`,
  'wide letters': `"${upTo(bytes, '💥')}"`,
  __proto__: '{"__proto__":{"toString":1}}',
  constructor: '{"constructor":{"prototype":{}}}',
  null: 'null',
  true: 'true',
  'a hex number': '"0x10"',
  'a far instant': '"+275760-09-13T00:00:00Z"',
  'a hard pattern': '"59 59 23 29 2 *"',
  'an impossible pattern': '"0 0 30 2 *"',
});
/** Addresses and headers: Node reads 16 kB of them. */
const words: string[] = [
  ...[
    '',
    ' ',
    '*',
    '%00',
    '..',
    '../../etc/passwd',
    '__proto__',
    'constructor',
    '0x10',
    '1e2',
    '-1',
  ],
  ...['99999999999999999999', '٣', '💥'.repeat(200), 'a'.repeat(9000), '*'.repeat(9000)],
  ...[
    '*a'.repeat(4000),
    `${'*'.repeat(200)}z/x`,
    '*/x,'.repeat(2000),
    '9'.repeat(9000),
    '[]',
    '{}',
  ],
  ...[
    '59 59 23 29 2 *',
    '0 0 30 2 *',
    '1,'.repeat(3000),
    '1970-01-01T00:00:00Z',
    '2199-12-31T23:59:59Z',
  ],
];
const encoded = (text: string): string =>
  encodeURIComponent(text).slice(0, 12_000).replace(/%.?$/, '');
/** What a header may carry at all. */
const printable = words.filter((word) => /^[\x20-\x7e]*$/.test(word));

const keysOf = (schema: Schema | undefined): string[] => [
  ...Object.keys(schema?.properties ?? {}),
  ...[...(schema?.anyOf ?? []), ...(schema?.oneOf ?? [])].flatMap(keysOf),
];

/**
 * Every route with everything hostile in every place it has: made of the document, so that a new
 * route is in it by itself.
 * @param fill what stands in an address so that its handler is reached
 */
export const hostileRequests = function* (
  document: OpenApiDocument,
  fill: Record<string, string>,
  bytes = mib,
): Generator<HostileRequest> {
  const hostile = values(bytes);
  for (const [template, methods] of Object.entries(document.paths))
    for (const [method, one] of Object.entries(methods)) {
      const operation = `${method.toUpperCase()} ${template}`;
      const pathOf = (given: Record<string, string>): string =>
        template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(given[name] ?? 'x'));
      const made = (more: Partial<HostileRequest>): HostileRequest => ({
        operation,
        method: method.toUpperCase(),
        path: pathOf(fill),
        body: null,
        headers: {},
        ...more,
      });
      yield made({});
      for (const { name, in: place } of one.parameters)
        for (const word of words)
          yield place === 'path'
            ? made({ path: pathOf({ ...fill, [name]: word }) })
            : made({ path: `${pathOf(fill)}?${name}=${encoded(word)}` });
      const repeated = one.parameters.filter((parameter) => parameter.in === 'query');
      for (const { name } of repeated)
        yield made({ path: `${pathOf(fill)}?${upTo(9000, `${name}=1&`)}` });
      yield made({ path: `${pathOf(fill)}?${upTo(9000, 'a=&')}` });
      for (const header of ['X-Actor', 'If-Match', 'If-None-Match', 'Idempotency-Key'])
        for (const word of printable) yield made({ headers: { [header]: word } });
      yield made({ headers: { 'If-Match': upTo(9000, '"1",') } });
      if (!one.requestBody) continue;
      const schema = one.requestBody.content['application/json']?.schema;
      const bodies = Object.values(hostile);
      for (const body of bodies) yield made({ body });
      for (const key of new Set([...keysOf(schema), 'params', 'unknown']))
        for (const value of bodies)
          yield made({ body: `{"${key}":${value}}`, headers: { 'Idempotency-Key': `k${key}` } });
      for (const type of ['STOP', 'RETRY_FROM', 'SKIP_STAGE'])
        for (const value of template.endsWith('/commands') ? bodies : [])
          yield made({ body: `{"type":"${type}","outputs":${value}}` });
      for (const value of template.endsWith('/runs') ? bodies : []) {
        yield made({ body: `{"params":{"any":${value}}}` });
        yield made({ body: `{"params":{"list":[${value}]}}` });
      }
    }
};

/** Every socket with everything hostile in every place of its address. */
export const hostileAddresses = function* (
  document: AsyncApiDocument,
  fill: Record<string, string>,
): Generator<string> {
  for (const { address, bindings } of Object.values(document.channels)) {
    const pathOf = (given: Record<string, string>): string =>
      address.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(given[name] ?? 'x'));
    const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
    for (const name of names)
      for (const word of words) yield `${pathOf({ ...fill, [name]: word })}?v=1`;
    for (const name of [...Object.keys(bindings.ws.query.properties ?? {}), 'unknown'])
      for (const word of words) {
        yield `${pathOf(fill)}?v=1&${name}=${encoded(word)}`;
        if (name !== 'v') yield `${pathOf(fill)}?${name}=${encoded(word)}`;
      }
  }
};

/** The document and the table agree on what there is. */
export const operationsOf = (): string[] =>
  routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
