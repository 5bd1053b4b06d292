import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

// Each stage leaves something; the page would run a script and fetch a picture if it were let.
const page =
  '<!doctype html><title>hello</title><script>document.title = "ran"</script><img src="http://127.0.0.1:9/x.png">';
const stage = (name: string, script: string) => `  - name: ${name}
    run:
      - sh
      - -c
      - |
        mkdir -p "$STAGEWRIGHT_WORKSPACE/artefacts" && cd "$STAGEWRIGHT_WORKSPACE/artefacts" && ${script} && sleep 0.05
`;
const pipelines = {
  'pages.yaml': `name: pages
stages:
${stage('first', `printf %s '${page}' > page.html`)}${stage('second', `printf 'a,b' > table.csv && : > empty.txt && printf x > any.bin`)}`,
  'fails.yaml': `name: fails\nstages:\n${stage('first', 'printf kept > kept.txt')}${stage('second', 'false')}`,
};
let served: Served;
let runId: string;
let folder: string;
beforeAll(async () => {
  served = await serveHttp({ pipelines });
  runId = (await served.orchestrator.start(startRequest('pages'))).status.run_id as string;
  await ended(served.orchestrator, runId);
  folder = join(served.dataDir, 'runs', runId, 'workspace/artefacts');
});
afterAll(() => served.close());
const get = (name: string, method = 'GET') =>
  served.ask(method, `/api/runs/${runId}/artefacts/${name}`);
const names = async () =>
  (await served.ask('GET', `/api/runs/${runId}`)).json.artefacts.map(
    ({ name }: { name: string }) => name,
  );

test('a run lists what its stages left: name, size, type and the stage that was at work', async () => {
  const { json } = await served.ask('GET', `/api/runs/${runId}`);
  expect(json.artefacts).toEqual([
    {
      name: 'any.bin',
      bytes: 1,
      content_type: 'application/octet-stream',
      stage: 'second',
      at: expect.any(String),
    },
    {
      name: 'empty.txt',
      bytes: 0,
      content_type: 'text/plain; charset=utf-8',
      stage: 'second',
      at: expect.any(String),
    },
    {
      name: 'page.html',
      bytes: page.length,
      content_type: 'text/html; charset=utf-8',
      stage: 'first',
      at: expect.any(String),
    },
    {
      name: 'table.csv',
      bytes: 3,
      content_type: 'text/csv; charset=utf-8',
      stage: 'second',
      at: expect.any(String),
    },
  ]);
});

test('an artefact is served as it is, in a sandbox without scripts and without anything from elsewhere', async () => {
  const { status, headers, text } = await get('page.html');
  expect([status, text]).toEqual([200, page]);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(page.length),
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringMatching(/^sandbox; default-src 'none';/),
  });
  expect(headers['content-security-policy']).not.toMatch(/allow-|script-src/);
});

test('HEAD says the size and sends nothing; an empty file is an empty answer; what no browser shows is a download', async () => {
  const head = await get('page.html', 'HEAD');
  expect([head.status, head.text, head.headers['content-length']]).toEqual([
    200,
    '',
    String(page.length),
  ]);
  expect(await get('empty.txt')).toMatchObject({ status: 200, text: '' });
  expect((await get('any.bin')).headers['content-disposition']).toMatch(/^attachment;/);
});

test.each([
  ['../run.json', 404],
  ['..%2f..%2fstagewright.sqlite', 400],
  ['%2e%2e%2fattempt.json', 400],
  ['..', 400],
  ['.hidden', 400],
  ['a%00b', 400],
  ['a%5cb', 400],
  [`${'x'.repeat(201)}`, 400],
  ['nothing.txt', 404],
])('%s leads nowhere: %i', async (name, status) => {
  const answer = await get(name);
  expect(answer.status).toBe(status);
  expect(answer.text).not.toContain(served.dataDir);
});

test('links and special files are neither listed nor served, wherever they lead', async () => {
  await writeFile(join(served.dir, 'secret.txt'), 'secret');
  await symlink(join(served.dir, 'secret.txt'), join(folder, 'link.txt'));
  await symlink('page.html', join(folder, 'near.html'));
  await mkdir(join(folder, 'folder.html'));
  execFileSync('mkfifo', [join(folder, 'pipe.txt')]);
  expect(await names()).toEqual(['any.bin', 'empty.txt', 'page.html', 'table.csv']);
  for (const name of ['link.txt', 'near.html', 'folder.html', 'pipe.txt'])
    expect((await get(name)).json).toMatchObject({ status: 404, code: 'unknown-artefact' });
});

test('a folder of artefacts that is a link to another one is no folder of artefacts', async () => {
  const other = join(served.dir, 'other');
  await rename(folder, other);
  await symlink(other, folder);
  try {
    expect(await names()).toEqual([]);
    expect((await get('page.html')).status).toBe(404);
  } finally {
    await rm(folder);
    await rename(other, folder);
  }
});

test('a run that does not exist has no artefacts, and POST is not possible', async () => {
  const unknown = runId.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  expect((await served.ask('GET', `/api/runs/${unknown}/artefacts/page.html`)).json).toMatchObject({
    status: 404,
    code: 'unknown-run',
  });
  expect((await get('page.html', 'POST')).status).toBe(405);
});

test('a retry shows what the run before it left, because it goes on in the same workspace', async () => {
  const first = (await served.orchestrator.start(startRequest('fails'))).status.run_id as string;
  expect((await ended(served.orchestrator, first)).state).toBe('FAILED');
  const body = JSON.stringify({ type: 'RETRY_FROM' });
  const retry = await served.ask('POST', `/api/runs/${first}/commands`, { body });
  const id = retry.json.run_id as string;
  expect(id).not.toBe(first);
  await ended(served.orchestrator, id);
  expect((await served.ask('GET', `/api/runs/${id}`)).json.artefacts).toMatchObject([
    { name: 'kept.txt', bytes: 4, stage: null },
  ]);
  expect((await served.ask('GET', `/api/runs/${id}/artefacts/kept.txt`)).text).toBe('kept');
});
