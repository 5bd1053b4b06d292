import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// A stage has ended and left a program behind, which refuses SIGTERM; the service dies while it ends
// that one. Whoever comes next ends it first: two stages never work at once (I13).

const leaves =
  '(trap "" TERM; echo $BASHPID > left; while :; do sleep 0.02; done) & until [ -s left ]; do sleep 0.02; done';
// Nobody may have collected it yet.
const lives =
  'case "$(cat /proc/$(cat left)/stat 2>/dev/null)" in ""|*") Z "*) echo gone >> seen;; *) echo works >> seen;; esac';
const record = JSON.stringify({
  exit_code: 0,
  signal: null,
  ended_at: '2026-03-04T15:05:00.000Z',
  ended_by: null,
});
const forges = `echo '${record}' > $(dirname $STAGEWRIGHT_OUTPUTS)/exit.json; echo up >> up; until [ -e go ]; do sleep 0.02; done`;
const stage = (name: string, script: string, more = {}) => ({
  name,
  run: ['bash', '-c', script],
  ...more,
});
const file = (name: string, stages: object[]): Record<string, string> => ({
  [`${name}.json`]: JSON.stringify({ name, stages }),
});

let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());

type Service = Awaited<ReturnType<typeof project.begin>>;
const launcherOf = ({ process: { pid } }: Service): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
const hasEnded = (id: string, name: string) =>
  until(() =>
    access(join(project.dir, 'data/runs', id, name, '1/exit.json')).then(
      () => true,
      () => false,
    ),
  );
const leftBehind = async (): Promise<Service> => {
  project = await openProject(
    file('job', [stage('first', leaves, { grace: '3s' }), stage('last', lives)]),
  );
  const service = await project.begin();
  await hasEnded(await project.start(service, 'job'), 'first');
  return service;
};

test('I13: what an ended stage left is ended by the launcher when the service dies, whether another comes or not', async () => {
  const service = await leftBehind();
  await project.kill(service);
  expect(project.stageProcesses()).not.toEqual([]);
  await until(() => project.stageProcesses().length === 0);
});

test('I13: when the launcher is gone, too, the next service ends it before the next stage begins', async () => {
  const service = await leftBehind();
  process.kill(launcherOf(service), 'SIGKILL');
  await project.kill(service);
  expect(project.stageProcesses()).not.toEqual([]);
  const next = await project.begin();
  const [{ run_id }] = (await project.get<{ items: { run_id: string }[] }>(next, '/api/runs'))
    .items as [{ run_id: string }];
  expect(await project.ended(next, run_id)).toMatchObject({ state: 'DONE' });
  expect([await project.lines('seen'), project.stageProcesses()]).toEqual([['gone'], []]);
});

test('an exit.json that a stage wrote itself is no evidence while it works', async () => {
  project = await openProject(file('job', [stage('work', forges, { grace: '300ms' })]));
  const service = await project.begin();
  const id = await project.start(service, 'job');
  await until(async () => (await project.lines('up')).length === 1);
  process.kill(launcherOf(service), 'SIGKILL');
  await project.kill(service);
  const next = await project.begin();
  // Interrupted, ended and begun again.
  await until(async () => (await project.lines('up')).length === 2);
  expect(await project.run(next, id)).toMatchObject({ state: 'RUNNING_WORK', attempt: 2 });
  await project.command(next, id, 'STOP');
  expect(await project.ended(next, id)).toMatchObject({ state: 'STOPPED' });
  expect(project.stageProcesses()).toEqual([]);
});
