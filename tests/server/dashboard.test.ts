import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Served, serveHttp } from '../support/http.ts';

let served: Served;
let dir: string;
const html = { Accept: 'text/html,application/xhtml+xml' };
const get = (path: string, headers: Record<string, string> = {}) =>
  served.ask('GET', path, { headers });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-dist-'));
});
afterEach(async () => {
  await served.close();
  await rm(dir, { recursive: true, force: true });
});

const built = async (): Promise<void> => {
  await mkdir(join(dir, 'assets'));
  await writeFile(join(dir, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(dir, 'assets', 'main-abc.js'), 'plain');
  await writeFile(join(dir, 'assets', 'main-abc.js.gz'), 'zipped');
  await writeFile(join(dir, 'assets', 'main-abc.js.br'), 'brotli');
  await writeFile(join(dir, 'build.json'), '{"build":"b1"}');
};

test('every address of a view answers the one page, never cached, with a policy that lets nothing in from elsewhere', async () => {
  await built();
  served = await serveHttp({ pipelines: {} }, {}, dir);
  for (const path of ['/', '/runs', '/runs/r_01?stage=a', '/pipelines/some.name', '/index.html']) {
    const page = await get(path, html);
    expect([
      path,
      page.status,
      page.headers['content-type'],
      page.headers['cache-control'],
    ]).toEqual([path, 200, 'text/html; charset=utf-8', 'no-store']);
    expect(page.text).toContain('<title>page</title>');
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
  }
});

test.each(['/api/nothing', '/ws/nothing', '/assets/gone-123.js', '/docs/nothing', '/api'])(
  'a missing %s is an error, also for somebody who takes HTML',
  async (path) => {
    await built();
    served = await serveHttp({ pipelines: {} }, {}, dir);
    const answer = await get(path, html);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
  },
);

test('a program that asks for a missing address gets a problem, not a page', async () => {
  await built();
  served = await serveHttp({ pipelines: {} }, {}, dir);
  expect((await get('/runs', { Accept: 'application/json' })).json.code).toBe('not-found');
  expect((await served.ask('POST', '/runs', { headers: html })).json.code).toBe('not-found');
});

test('a hashed file is kept for a year, and comes as it was compressed at build', async () => {
  await built();
  served = await serveHttp({ pipelines: {} }, {}, dir);
  const file = async (encoding: string) => {
    const { status, text, headers } = await get('/assets/main-abc.js', {
      'Accept-Encoding': encoding,
    });
    expect([status, headers['cache-control'], headers.vary]).toEqual([
      200,
      'public, max-age=31536000, immutable',
      'Accept-Encoding',
    ]);
    expect(headers['content-type']).toMatch(/^text\/javascript/);
    return [text, headers['content-encoding']];
  };
  expect(await file('gzip, br')).toEqual(['brotli', 'br']);
  expect(await file('gzip')).toEqual(['zipped', 'gzip']);
  expect(await file('identity')).toEqual(['plain', undefined]);
});

test('no address leads out of the folder', async () => {
  await built();
  await writeFile(join(dir, '..', 'outside.txt'), 'secret');
  served = await serveHttp({ pipelines: {} }, {}, dir);
  for (const path of [
    '/../outside.txt',
    '/assets/..%2f..%2foutside.txt',
    '/%2e%2e/outside.txt',
    '/assets/%2e%2e/%2e%2e/outside.txt',
  ])
    expect((await get(path)).text).not.toContain('secret');
});

test('without a build the service serves, and its page says what is missing and how to make it', async () => {
  served = await serveHttp({ pipelines: {} }, {}, join(dir, 'never-built'));
  const page = await get('/', html);
  expect([page.status, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
  expect(page.text).toContain('npm run build');
  expect((await get('/api/health')).status).toBe(200);
});

test('the built page loads nothing that is not its own, and holds no script or style inside', async () => {
  served = await serveHttp({ pipelines: {} });
  const page = await get('/', html);
  expect(page.status).toBe(200);
  expect(page.text).not.toMatch(/<script(?![^>]* src=)|style=|onclick=|https?:/);
});
