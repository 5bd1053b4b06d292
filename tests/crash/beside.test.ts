import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from '../../wire/status.ts';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// The service is killed while two stages work beside each other; `work` is the one at whose step it
// kills itself.
const yaml = `name: job
stages:
  - { name: first, run: ["bash", "-c", "echo done >> first.log"] }
  - name: both
    parallel:
      - name: work
        grace: 300ms
        run: ["bash", "-c", "echo $STAGEWRIGHT_ATTEMPT >> work.log; until [ -e go ]; do sleep 0.02; done; echo x > \\"$STAGEWRIGHT_WORKSPACE/x\\""]
        files: [{ path: "\${run.workspace}/x" }]
      - name: side
        grace: 300ms
        run: ["bash", "-c", "echo $STAGEWRIGHT_ATTEMPT >> side.log; until [ -e go ]; do sleep 0.02; done"]
  - { name: last, run: ["bash", "-c", "echo done >> last.log"] }
`;

let project: Awaited<ReturnType<typeof openProject>>;
beforeEach(async () => {
  project = await openProject({ 'job.yaml': yaml });
});
afterEach(() => project.close());
const letGo = () => writeFile(join(project.dir, 'go'), '');
type Doomed = Awaited<ReturnType<typeof project.begin>>;

const ends = ['succeeded', 'failed', 'skipped', 'stopped', 'lost'];
/** What must hold after every crash: one run, finished stages done once, each attempt ended once. */
const expectWhole = async (service: Doomed, id: string): Promise<Status> => {
  const end = await project.ended(service, id);
  expect([end.state, end.why, end.lock]).toEqual(['DONE', 'every stage finished', null]);
  expect([await project.lines('first.log'), await project.lines('last.log')]).toEqual([
    ['done'],
    ['done'],
  ]);
  const all = await project.events(service, id);
  expect(all.map(({ run_seq }) => run_seq)).toEqual(all.map((_, index) => index + 1));
  for (const { name, attempt } of end.stages)
    for (let one = 1; one <= attempt; one += 1) {
      const own = all.filter((event) => event.stage === name && event.attempt === one);
      const count = (words: string[]) => own.filter(({ event }) => words.includes(event)).length;
      expect([name, one, count(['started']), count(ends)]).toEqual([name, one, 1, 1]);
    }
  expect(project.stageProcesses()).toEqual([]);
  return end;
};

test('killed while both work: the first state that is answered is true, both are tried again, and the run ends DONE', async () => {
  const first = await project.begin();
  const id = await project.start(first, 'job');
  await until(async () => (await project.lines('work.log')).length === 1);
  await until(async () => (await project.lines('side.log')).length === 1);
  await project.kill(first);
  const second = await project.begin();
  expect(await project.run(second, id)).toMatchObject({ canonical: 'running', stage: 'both' });
  await until(async () => (await project.lines('work.log')).length === 2);
  await until(async () => (await project.lines('side.log')).length === 2);
  await letGo();
  const end = await expectWhole(second, id);
  expect(end.stages.map(({ attempt }) => attempt)).toEqual([1, 2, 2, 1]);
});

test('killed while one works and the other has succeeded: what is done is not done again', async () => {
  const first = await project.begin();
  const id = await project.start(first, 'job');
  await until(async () => (await project.lines('work.log')).length === 1);
  await until(async () => (await project.lines('side.log')).length === 1);
  await project.command(first, id, 'SKIP_STAGE', { stage: 'side' });
  await project.is(first, id, ({ stages }) => stages[2]?.state === 'skipped');
  await project.kill(first);
  const second = await project.begin();
  await until(async () => (await project.lines('work.log')).length === 2);
  await letGo();
  const end = await expectWhole(second, id);
  expect(end.stages[2]).toMatchObject({ state: 'skipped', attempt: 1 });
  expect(await project.lines('side.log')).toHaveLength(1);
});

test.each(['after-commit', 'before-the-gate-opens', 'during-boot', 'in-starting'])(
  'killed %s: both are begun again, and nothing is done twice',
  async (point) => {
    const first = await project.begin({ point });
    const id = point === 'during-boot' ? '' : await project.start(first, 'job').catch(() => '');
    await first.gone;
    const second = await project.begin();
    const run = id || (await known(second));
    await letGo();
    await expectWhole(second, run);
  },
);
const known = async (service: Doomed): Promise<string> => {
  const { run_id } = await project.get<Status>(service, '/api/pipeline/status');
  return run_id ?? project.start(service, 'job');
};

test.each(['before-settle', 'in-verifying', 'before-commit'])(
  'killed %s: what had ended counts as it ended',
  async (point) => {
    const first = await project.begin({ point });
    const id = await project.start(first, 'job');
    await until(async () => (await project.lines('work.log')).length === 1);
    await until(async () => (await project.lines('side.log')).length === 1);
    await letGo();
    await first.gone;
    const second = await project.begin();
    const end = await expectWhole(second, id);
    expect(end.stages[1]).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(await project.lines('work.log')).toEqual(['1']);
  },
);

test('killed in the ending of one: it is ended after all, and the other one is lost and tried again', async () => {
  const first = await project.begin({ point: 'in-ending' });
  const id = await project.start(first, 'job');
  await until(async () => (await project.lines('work.log')).length === 1);
  await until(async () => (await project.lines('side.log')).length === 1);
  await project.command(first, id, 'SKIP_STAGE', { stage: 'work' }).catch(() => null);
  await first.gone;
  const second = await project.begin();
  await until(async () => (await project.lines('side.log')).length === 2);
  await letGo();
  const end = await expectWhole(second, id);
  expect(end.stages.map(({ state }) => state)).toEqual([
    'succeeded',
    'skipped',
    'succeeded',
    'succeeded',
  ]);
});

test('frozen while both work: what ended meanwhile counts, and neither is called silent', async () => {
  const service = await project.begin();
  const id = await project.start(service, 'job');
  await until(async () => (await project.lines('work.log')).length === 1);
  await until(async () => (await project.lines('side.log')).length === 1);
  service.process.kill('SIGSTOP');
  await letGo();
  await until(() => project.stageProcesses().length === 0);
  service.process.kill('SIGCONT');
  const end = await expectWhole(service, id);
  expect(end.stages.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
});
