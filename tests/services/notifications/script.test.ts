import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../support/until.ts';
import { type Outbox, outbox } from './outbox-kit.ts';

let on: Outbox;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-script-'));
});
afterEach(async () => {
  await on?.close();
  await rm(dir, { recursive: true, force: true });
});
const open = async (...run: string[]) => {
  on = await outbox({
    channels: { pager: { digest: '0s', script: { run } } },
    notify: [{ on: ['missed'], to: ['pager'] }],
  });
  await on.missed();
};
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a script that hangs is ended after 30 seconds, with what it has started, and tried again', async () => {
  const pids = join(dir, 'pids');
  // The child notes itself last: then both are there.
  await open('bash', '-c', 'sh -c "echo $$ \\$\\$ > $0; exec sleep 1000" & wait', pids);
  const turn = on.notifications.tick();
  const started = await until(async () => {
    const text = await readFile(pids, 'utf8').catch(() => '');
    return text.endsWith('\n') && text.trim().split(' ').map(Number);
  });
  on.clock.advance(30_000);
  await turn;
  expect(await on.rows()).toMatchObject([
    { state: 'waiting', attempts: 1, answer: 'did not answer within 30 s' },
  ]);
  await until(() => (started || []).every((pid) => !isAlive(pid)));
});

test('its exit code and its last words are the answer; it knows nothing of the service but what it is told', async () => {
  await open('bash', '-c', 'cat > /dev/null; env | grep -c STAGEWRIGHT >&2; exit 3');
  await on.notifications.tick();
  expect(await on.rows()).toMatchObject([
    { state: 'waiting', answer: 'ended with exit code 3: 0' },
  ]);
});

test('one that is not there is named, and one that reads nothing is delivered all the same', async () => {
  await open(join(dir, 'none'));
  await on.notifications.tick();
  expect((await on.rows())[0]?.answer).toBe(`${join(dir, 'none')} cannot be started (ENOENT)`);
  await on.close();
  await open('true');
  await on.notifications.tick();
  expect(await on.rows()).toMatchObject([{ state: 'delivered', answer: 'ended with exit code 0' }]);
});
