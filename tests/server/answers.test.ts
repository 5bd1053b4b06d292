import type { Route } from '../../server/route.ts';
import { routes } from '../../server/routes.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';

const pipelines = {
  'work.yaml': `name: work
on_failures: { pause_after: 3 }
schedules: [{ id: nightly, cron: "0 3 * * *" }]
stages:
  - name: one
    run: ["sh", "-c", "cd $STAGEWRIGHT_WORKSPACE; mkdir -p artefacts; echo hi | tee artefacts/report.html"]
    retry: { limit: 1, classes: [{ on: { codes: [x-busy] }, limit: 1 }] }
  - name: two
    timeout: 1m
    grace: 1s
    env: { DO: "\${params.do}" }
    run: ["sh", "-c", "echo hi; eval \\"$DO\\""]
    retry: { limit: 0 }
params: { do: { type: string, default: "true" } }
`,
  'broken.yaml': 'name: broken\nstages:\n  - { name: one, run: ["true"], tmeout: 5s }\n',
};
let served: Served;
/** What stands for each parameter of an address, by the kind of run that is asked about. */
const runs: Record<string, string> = {};
beforeAll(async () => {
  served = await serveHttp({ pipelines });
  const { orchestrator } = served;
  const begin = async (work: string): Promise<string> =>
    (await orchestrator.start(startRequest('work', { params: { do: work } }))).status
      .run_id as string;
  for (const [kind, work] of Object.entries({ finished: 'true', failed: 'exit 3' })) {
    runs[kind] = await begin(work);
    await ended(orchestrator, runs[kind]);
  }
  const window = { from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z', dry_run: false };
  await served.ask('POST', '/api/schedules/nightly/backfills', { body: JSON.stringify(window) });
  const live = await begin('exec sleep 60');
  runs.live = live;
  await eventually(
    orchestrator,
    async () => (await orchestrator.run(live)).state === 'RUNNING_TWO',
  );
});
afterAll(() => served.close());

const reads = routes.filter(({ method }) => method === 'get');
const queries: Record<string, string[]> = {
  '/api/runs/{id}/logs/{stage}/{attempt}': ['', '?q=hi', '?from_line=1', '?tail=10'],
  '/api/runs/{id}/chart': ['json', 'svg', 'mermaid', 'scxml', 'xstate'].map((f) => `?format=${f}`),
  '/api/pipelines/{name}/chart': ['json', 'svg', 'scxml'].map((format) => `?format=${format}`),
  '/api/schedules/preview': ['?id=nightly', '?cron=0+3+*+*+*&pipeline=work'],
};
const addressOf = (path: string, run: string): string => {
  const known: Record<string, string> = {
    id: path.startsWith('/api/schedules') ? 'nightly' : run,
    name: path.includes('/artefacts/') ? 'report.html' : 'work',
    version: '2',
    stage: 'one',
    attempt: '1',
  };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? `no ${name} known`);
};

/** What the answer has that its schema does not describe shows as a difference, too. */
const faultsOf = async ({ answers, media = [] }: Route, address: string): Promise<unknown> => {
  const { status, json, headers } = await served.ask('GET', address);
  const schema = answers[status];
  if (!schema) return [`answers ${status}, which is not documented`];
  const type = String(headers['content-type']).replace(/;.*/, '');
  if (type !== 'application/json')
    return media.includes(type) || media.includes('*/*') ? [] : [type];
  const parsed = schema.safeParse(json);
  if (!parsed.success) return parsed.error.issues;
  expect([address, json]).toEqual([address, parsed.data]);
  return [];
};

test.each(['finished', 'failed', 'live'])(
  'every GET route answers as its own schema says, no field less and none more, about a %s run',
  async (kind) => {
    const found: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};
    for (const route of reads)
      for (const query of queries[route.path] ?? [''])
        found[`${addressOf(route.path, runs[kind] as string)}${query}`] = route;
    for (const [address, route] of Object.entries(found)) {
      found[address] = await faultsOf(route as Route, address);
      wanted[address] = [];
    }
    expect(Object.keys(found).length).toBeGreaterThan(reads.length);
    expect(found).toEqual(wanted);
  },
);

test('every route and every socket says in the published documents which role it needs', async () => {
  const { paths } = (await served.ask('GET', '/openapi.json')).json;
  const said = Object.entries(
    paths as Record<string, Record<string, { 'x-role': string }>>,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => [`${method} ${path}`, one['x-role']]),
  );
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(routes.map(({ method, path, role }) => [`${method} ${path}`, role])),
  );
  const needed = new Map(said as [string, string][]);
  expect([...needed.values()].filter((role) => !/^(none|read|operate|admin)$/.test(role))).toEqual(
    [],
  );
  // Whoever may only read changes nothing.
  for (const [operation, role] of needed)
    if (!operation.startsWith('get ') && !/\/(preview|what-if|simulate)$/.test(operation))
      expect([operation, role]).toEqual([operation, expect.stringMatching(/^(operate|admin)$/)]);
  const { channels } = (await served.ask('GET', '/asyncapi.json')).json;
  for (const [name, channel] of Object.entries(channels))
    expect(channel).toMatchObject({ 'x-role': name === 'inspectIn' ? 'operate' : 'read' });
});
