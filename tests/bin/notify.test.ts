import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channels } from '../../wire/notification-answers.ts';
import { answers, type Receiver, receiver } from '../services/notifications/receiver.ts';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

let dir: string;
let served: Served;
let to: Receiver;
const settings = () => join(dir, 'settings.json');
const write = (file: object | string) =>
  writeFile(settings(), typeof file === 'string' ? file : JSON.stringify(file));
const hook = () => ({ digest: '0s', webhook: { url: `${to.url}/hook`, allow_private: true } });
const cli = (...args: string[]) => stagewright([...args, '--url', served.url]);

beforeAll(async () => {
  to = await receiver();
  dir = await projectWith({
    'p.yaml':
      'name: p\nnotify: [{ on: [partial], to: [mial] }]\nstages:\n  - { name: work, run: ["false"], timeout: 1m }\n',
  });
  await write({ channels: { ops: hook() }, notify: [{ on: ['failed'], to: ['ops'] }] });
  served = await serve(dir, ['--config', settings()]);
});
afterAll(async () => {
  await served.end();
  await to.close();
  await rm(dir, { recursive: true, force: true });
});

test('notify test delivers a message and says what was answered: 0 when it arrived, 1 when not, 2 for an unknown channel', async () => {
  const good = await cli('notify', 'test', 'ops');
  expect([good.code, good.out]).toEqual([
    0,
    expect.stringMatching(/^ops: delivered after [\d.]+ s, answered 200\n$/),
  ]);
  expect(to.got[0]?.json.type).toBe('test');
  to.now.answer = answers(500, {}, 'no');
  const bad = await cli('notify', 'test', 'ops');
  expect([bad.code, bad.out]).toEqual([1, expect.stringContaining('not delivered')]);
  expect(bad.out).toContain('answered 500: no');
  to.now.answer = answers(200);
  const none = await cli('notify', 'test', 'nobody');
  expect([none.code, none.err]).toEqual([
    2,
    'refused (unknown-channel): there is no channel nobody; known are ops\n',
  ]);
});

test('a run that fails is told with the address of its log, and notify lists it', async () => {
  await served.post('/api/pipelines/p/runs');
  const told = await until(() => to.got.find(({ json }) => json.type === 'failed'));
  expect(told.json.data.link).toBe(
    `${served.url}/runs/${told.json.data.run_id}?stage=work&attempt=1&stream=stderr`,
  );
  await until(async () => (await cli('notify')).out.includes('delivered'));
  const out = (await cli('notify')).out;
  expect(out).toMatch(/^ops +webhook +ok +127\.0\.0\.1:\d+ +last .* delivered$/m);
  expect(out).toMatch(/ n_1 +ops +delivered +failed +p failed: work \(exit-code\)$/m);
});

test('a file that names a channel which is not there is warned of at the start', () => {
  expect(served.log()).toContain('unknown-channel');
});

test('SIGHUP reads channels and rules again; settings that do not fit change nothing, and health says so', async () => {
  const names = async () =>
    (await served.get<Channels>('/api/channels')).items.map(({ name }) => name);
  const check = async () =>
    (await served.get<{ checks: Record<string, { code?: string; detail: string }> }>('/api/health'))
      .checks.notifications;
  await write({ channels: { ops: hook(), more: hook() } });
  served.child.kill('SIGHUP');
  await until(async () => (await names()).length === 2);
  await write({ channels: { ops: { webhook: {} } } });
  served.child.kill('SIGHUP');
  await until(async () => (await check())?.code === 'bad-settings');
  expect((await check())?.detail).toContain('channels.ops.webhook.url in');
  expect(await names()).toEqual(['ops', 'more']);
  await write({ channels: { ops: hook() } });
  const reloaded = await cli('reload');
  expect(await names()).toEqual(['ops']);
  expect([reloaded.code, (await check())?.code]).toEqual([0, undefined]);
});

test('serve with settings that do not fit ends with 2 and names the field and the file', async () => {
  const path = join(dir, 'wrong.json');
  await writeFile(path, JSON.stringify({ notify: [{ on: ['failed'], to: ['ops'] }] }));
  const ended = await stagewright(['serve', '--config', path, '--data-dir', join(dir, 'other')]);
  expect([ended.code, ended.err]).toEqual([
    2,
    `notify.0.to.0 in ${path}: there is no channel \`ops\`: add it to channels\n`,
  ]);
});
