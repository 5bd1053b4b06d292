import { commandTypes } from '../../wire/command-table.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

const pipelines = {
  'good.yaml': 'name: good\nstages:\n  - { name: one, run: ["true"] }\n',
  'bad.yaml':
    'name: bad\nstages:\n  - { name: one, run: ["sh", "-c", "echo the disk is on fire >&2; exit 3"], retry: { limit: 0 } }\n',
  'long.yaml': 'name: long\nstages:\n  - { name: one, run: ["sleep", "60"], grace: 1s }\n',
};
let served: Served;
const ids: string[] = [];
const run = async (pipeline: string, more = {}) => {
  const { status } = await served.orchestrator.start(startRequest(pipeline, more));
  await ended(served.orchestrator, status.run_id as string);
  ids.push(status.run_id as string);
  return status.run_id as string;
};
beforeAll(async () => {
  served = await serveHttp({ pipelines });
  for (let round = 0; round < 4; round += 1) {
    await run('good', { trigger: round % 2 ? 'manual' : 'api' });
    await run('bad', { reason: `nightly round ${round}` });
  }
});
afterAll(() => served.close());
const get = (path: string) => served.ask('GET', path);
type Item = { run_id: string; pipeline: string; state: string };
/** Every page of a list, a few at a time. */
const pages = async (query: string): Promise<string[]> => {
  const found: string[] = [];
  let cursor = '';
  do {
    const { json } = await get(`/api/runs?limit=3${query}${cursor && `&cursor=${cursor}`}`);
    found.push(...(json.items as Item[]).map(({ run_id }) => run_id));
    cursor = json.next_cursor;
  } while (cursor);
  return found;
};

test('runs: every filter finds exactly what it names, newest first, on pages of any size', async () => {
  const newest = ids.toReversed();
  expect(await pages('')).toEqual(newest);
  expect(await pages('&pipeline=bad')).toEqual(newest.filter((_, index) => index % 2 === 0));
  expect(await pages('&state=DONE')).toEqual(newest.filter((_, index) => index % 2 === 1));
  expect(await pages('&pipeline=good&state=FAILED')).toEqual([]);
  expect(await pages('&trigger=manual')).toEqual([ids[6], ids[2]]);
  expect(await pages('&q=ROUND%202')).toEqual([ids[5]]);
  expect(await pages(`&q=${ids[4]}`)).toEqual([ids[4]]);
  const { json } = await get(`/api/runs/${ids[4]}`);
  expect(await pages(`&from=${json.created_at}`)).toEqual(
    newest.filter((id) => id >= (ids[4] as string)),
  );
  expect(await pages(`&to=${json.created_at}`)).toEqual(
    newest.filter((id) => id < (ids[4] as string)),
  );
});

test('a page stays where it is while runs are added', async () => {
  const { json: first } = await get('/api/runs?limit=3');
  await run('good');
  const { json: second } = await get(`/api/runs?limit=3&cursor=${first.next_cursor}`);
  const seen = [...first.items, ...second.items].map(({ run_id }: Item) => run_id);
  expect(seen).toEqual(ids.slice(2, 8).toReversed());
});

test('every answer says how much of the journal it has seen', async () => {
  const id = ids[0];
  const paths = [
    '/api/runs',
    '/api/pipelines',
    '/api/events',
    '/api/pipeline/status?pipeline=good',
    `/api/runs/${id}`,
  ];
  const more = [
    `/api/runs/${id}/transitions`,
    `/api/runs/${id}/commands`,
    `/api/runs/${id}/snapshots/1`,
    '/api/pipeline/snapshot?pipeline=good',
  ];
  const head = (await get('/api/events?limit=1')).json.items[0].seq;
  for (const path of [...paths, ...more])
    expect([path, (await get(path)).json.as_of_seq]).toEqual([path, head]);
});

test('a run lists its attempts with their errors', async () => {
  const { json } = await get(`/api/runs/${ids[1]}`);
  expect(json.attempts).toMatchObject([
    {
      stage: 'one',
      attempt: 1,
      state: 'failed',
      error: { exit_code: 3, stderr_tail: 'the disk is on fire' },
    },
  ]);
});

test('the snapshot of each version is what that transition left; another version is refused with those there are', async () => {
  const { json: run } = await get(`/api/runs/${ids[0]}`);
  const { json: ledger } = await get(`/api/runs/${ids[0]}/transitions`);
  for (const { version, to } of ledger.items) {
    const { json } = await get(`/api/runs/${ids[0]}/snapshots/${version}`);
    expect(json).toMatchObject({ version, to, context: { order: ['one'] } });
  }
  const last = (await get(`/api/runs/${ids[0]}/snapshots/${run.version}`)).json;
  expect(last).toMatchObject({ value: 'done', status: 'done' });
  expect((await get(`/api/runs/${ids[0]}/snapshots/99`)).json).toMatchObject({
    status: 404,
    code: 'unknown-version',
  });
  expect((await get(`/api/runs/${ids[0]}/snapshots/0`)).json).toMatchObject({
    status: 400,
    code: 'invalid-id',
  });
});

test('commands say what is possible, and why not', async () => {
  const why_not = 'not possible while DONE: every stage finished';
  expect((await get(`/api/runs/${ids[0]}/commands`)).json.items).toEqual(
    commandTypes.map((type) => ({ type, allowed: false, why_not })),
  );
  const { json } = await get(`/api/runs/${ids[1]}/commands`);
  expect(json.items.filter(({ allowed }: { allowed: boolean }) => allowed)).toEqual([
    { type: 'RETRY_FROM', allowed: true, why_not: null },
  ]);
});

test('If-Match: a command for another version changes nothing, leaves no trace, and says the version', async () => {
  const { status } = await served.orchestrator.start(startRequest('long'));
  const path = `/api/runs/${status.run_id}`;
  const send = (version: string) =>
    served.ask('POST', `${path}/commands`, {
      body: '{"type":"STOP"}',
      headers: { 'If-Match': version },
    });
  expect((await send('"999"')).json).toMatchObject({
    status: 412,
    code: 'version-moved',
    run_id: status.run_id,
  });
  expect((await send('soon')).json).toMatchObject({ status: 400, code: 'bad-parameter' });
  expect(
    (await get(`${path}/transitions`)).json.items.some(
      ({ event }: { event: { type: string } }) => event.type === 'STOP',
    ),
  ).toBe(false);
  const etag = (await get(path)).headers.etag as string;
  const answer = await send(etag);
  // A run that is just starting may have moved on between the two.
  expect([202, 412]).toContain(answer.status);
  if (answer.status === 412)
    expect((await send((await get(path)).headers.etag as string)).status).toBe(202);
  await ended(served.orchestrator, status.run_id as string);
});

test.each(['json', 'xstate', 'svg', 'mermaid', 'scxml'])(
  'the chart of a pipeline and of its run is the same as %s',
  async (format) => {
    const ofPipeline = await get(`/api/pipelines/good/chart?format=${format}`);
    const ofRun = await get(`/api/runs/${ids[0]}/chart?format=${format}`);
    expect(ofPipeline.status).toBe(200);
    expect(ofRun.headers['content-type']).toBe(ofPipeline.headers['content-type']);
    for (const word of ['attempting', 'backingOff', 'stopping']) expect(ofRun.text).toContain(word);
    if (format !== 'svg') expect(ofRun.text).toBe(ofPipeline.text);
  },
);

test.each([
  ['/api/runs?state=done', 'state'],
  ['/api/runs?from=yesterday', 'from'],
  ['/api/runs?limit=0', 'limit'],
  ['/api/runs?stat=DONE', 'state'],
  ['/api/pipelines/good/chart?format=png', 'format'],
])('%s is refused, naming %s', async (path, word) => {
  const { json, status } = await get(path);
  expect(status).toBe(400);
  expect(JSON.stringify(json.errors)).toContain(word);
});
