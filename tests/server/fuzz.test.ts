import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

type Schema = {
  type?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
};
type Parameter = { name: string; in: 'path' | 'query'; schema: Schema };
type Operation = {
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
};
type Asked = {
  operation: string;
  method: string;
  path: string;
  body: string | null;
  headers: Record<string, string>;
};

let served: Served;
let runId: string;
let document: { paths: Record<string, Record<string, Operation>> };
beforeAll(async () => {
  served = await serveHttp({
    pipelines: {
      'a.yaml':
        'name: a\nparams: { day: { type: string, default: x } }\nstages:\n  - { name: one, run: ["echo", "${params.day}"] }\n',
    },
  });
  const { status } = await served.orchestrator.start(startRequest('a'));
  runId = status.run_id as string;
  await ended(served.orchestrator, runId);
  document = (await served.ask('GET', '/openapi.json')).json;
});
afterAll(() => served.close());

const odd = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom(
    '',
    '..',
    '../../etc/passwd',
    '%00',
    'null',
    '-1',
    '1e9',
    '99999999999999999999',
    '☃',
    '%',
    '💥'.repeat(50),
    '__proto__',
    '[]',
  ),
);
const fitting = (name: string): string[] =>
  ({
    id: [runId],
    name: ['a'],
    pipeline: ['a'],
    stage: ['one', 'pipeline'],
    attempt: ['1', '2'],
    version: ['1', '3'],
    run_id: [runId],
  })[name] ?? ['1', 'a', 'DONE', '2026-01-01T00:00:00Z', 'true'];
const someOf = ({ name, schema }: Parameter) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...fitting(name), ...(schema.enum ?? []).map(String)) },
    { weight: 1, arbitrary: odd },
  );
const bodyOf = (schema: Schema | undefined) => {
  const keys = Object.keys(schema?.properties ?? {});
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom('STOP', true, false, {}, 5, 'why'),
  );
  const known = fc
    .dictionary(fc.constantFrom('x', ...keys), value, { maxKeys: 4 })
    .map((body) => JSON.stringify(body));
  return fc.oneof(
    { weight: 5, arbitrary: known },
    {
      weight: 1,
      arbitrary: fc.constantFrom('{', '[]', 'null', '"x"', '', '{"__proto__":{"a":1}}', '\ud800'),
    },
  );
};
const encoded = (text: string): string => {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%ED%A0%80';
  }
};
const asked = (): fc.Arbitrary<Asked> =>
  fc
    .constantFrom(
      ...Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, one]) => ({ path, method, one })),
      ),
    )
    .chain(({ path, method, one }) =>
      fc
        .record({
          inPath: fc.tuple(
            ...one.parameters.filter((parameter) => parameter.in === 'path').map(someOf),
          ),
          query: fc
            .subarray(one.parameters.filter((parameter) => parameter.in === 'query'))
            .chain((some) =>
              fc.tuple(
                ...some.map((parameter) =>
                  someOf(parameter).map((value) => [parameter.name, value] as const),
                ),
              ),
            ),
          extra: fc.option(fc.tuple(odd, odd), { freq: 8 }),
          body: one.requestBody
            ? fc.option(bodyOf(one.requestBody.content['application/json']?.schema), {
                nil: null,
                freq: 8,
              })
            : fc.constant(null),
          type: fc.constantFrom(
            'application/json',
            'application/json',
            'application/json',
            'text/plain',
          ),
          header: fc.option(
            fc.constantFrom(
              { 'If-Match': '"1"' },
              { 'If-Match': 'x' },
              { 'Idempotency-Key': 'k' },
              { 'Idempotency-Key': ' ' },
            ),
            { freq: 5 },
          ),
        })
        .map(({ inPath, query, extra, body, type, header }) => {
          const names = one.parameters
            .filter((parameter) => parameter.in === 'path')
            .map(({ name }) => name);
          const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
            encoded(inPath[names.indexOf(name)] ?? ''),
          );
          const pairs = [...query, ...(extra ? [extra] : [])].map(
            ([name, value]) => `${encoded(name)}=${encoded(value)}`,
          );
          return {
            operation: `${method.toUpperCase()} ${path}`,
            method: method.toUpperCase(),
            path: `${filled}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`,
            body,
            headers: { ...(body !== null && { 'Content-Type': type }), ...header },
          };
        }),
    );

test('ten thousand requests made of the document, fitting and not: no 500, no hang, and every refusal is a problem with a code', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const { port } = new URL(served.url);
  const send = ({ method, path, body, headers }: Asked) =>
    new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
      const sent = request({ agent, port, method, path, headers, timeout: 10_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: String(response.headers['content-type']),
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on('timeout', () => sent.destroy(new Error('hangs')));
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
  const seen = new Map<string, Set<number>>();
  const requests = fc.sample(asked(), { numRuns: 10_000, seed: 20_261_124 });
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let index = lane; index < requests.length; index += 16) {
      const one = requests[index] as Asked;
      const { status, type, text } = await send(one).catch((error) => {
        throw new Error(`${one.method} ${one.path}: ${error.message}`);
      });
      seen.set(one.operation, (seen.get(one.operation) ?? new Set()).add(status));
      if (status === 500 || status === 501 || status === 502)
        throw new Error(`${status} for ${JSON.stringify(one)}: ${text}`);
      if (status < 400) continue;
      const problem = type.startsWith('application/problem+json') ? JSON.parse(text) : null;
      if (problem?.status !== status || typeof problem.code !== 'string')
        throw new Error(`no problem for ${JSON.stringify(one)}: ${text}`);
      if (/\/(home|tmp|work|usr)\/|\bat .*:\d+:\d+/.test(problem.detail))
        throw new Error(`a path or stack in ${text}`);
    }
  });
  await Promise.all(lanes);
  agent.destroy();
  // A fuzz that only ever meets refusals has tested the doorman.
  const succeeded = [...seen]
    .filter(([, statuses]) => [...statuses].some((status) => status < 300))
    .map(([operation]) => operation);
  expect(succeeded.length).toBeGreaterThan(15);
}, 120_000);
