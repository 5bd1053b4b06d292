import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Receiver, receiver } from '../services/notifications/receiver.ts';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

const yaml = `name: p\nstages:\n  - { name: work, run: ["bash", "-c", "exit 7"], retry: { limit: 0 } }\n`;
let project: Awaited<ReturnType<typeof openProject>>;
let to: Receiver;
let more: string[];
beforeEach(async () => {
  to = await receiver();
  project = await openProject({ 'p.yaml': yaml });
  const config = join(project.dir, 'settings.json');
  const ops = { digest: '0s', webhook: { url: `${to.url}/hook`, allow_private: true } };
  await writeFile(
    config,
    JSON.stringify({ channels: { ops }, notify: [{ on: ['failed'], to: ['ops'] }] }),
  );
  more = ['--config', config];
});
afterEach(async () => {
  await project.close();
  await to.close();
});
type Listed = { items: { state: string; message_id: string; run_id: string; attempts: number }[] };
const listed = async (service: Parameters<typeof project.get>[0]) =>
  (await project.get<Listed>(service, '/api/notifications')).items;

test('killed after the cause and before anybody was told: the next service tells it', async () => {
  const doomed = await project.begin({ point: 'after-a-failure', more });
  await project.start(doomed, 'p');
  await doomed.gone;
  expect(to.got).toEqual([]);
  const next = await project.begin({ more });
  await until(() => to.got.length > 0);
  const one = await until(async () => {
    const [first] = await listed(next);
    return first?.state === 'delivered' ? first : null;
  });
  expect(to.got.map(({ headers }) => headers['webhook-id'])).toEqual([one.message_id]);
});

test('killed between telling and writing that down: told again, by the same id', async () => {
  const doomed = await project.begin({ point: 'after-telling', more });
  await project.start(doomed, 'p');
  await doomed.gone;
  expect(to.got).toHaveLength(1);
  const next = await project.begin({ more });
  await until(async () => (await listed(next))[0]?.state === 'delivered');
  const ids = to.got.map(({ headers }) => headers['webhook-id']);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});

test('killed before its commit, a failure is told once: by the service that records it', async () => {
  const doomed = await project.begin({ point: 'before-a-failure', more });
  const id = await project.start(doomed, 'p');
  await doomed.gone;
  expect(to.got).toEqual([]);
  const next = await project.begin({ more });
  expect((await project.ended(next, id)).state).toBe('FAILED');
  await until(async () => (await listed(next))[0]?.state === 'delivered');
  expect((await listed(next)).map(({ run_id }) => run_id)).toEqual([id]);
  expect(to.got).toHaveLength(1);
});
