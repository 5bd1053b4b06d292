import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());

test('a script under a service that is killed is ended and begun anew, and what its env_file held is masked in both logs', async () => {
  const script = `echo "$TOKEN $STAGEWRIGHT_URL"
echo "$STAGEWRIGHT_ATTEMPT" >> up
until [ -e go ]; do sleep 0.02; done
`;
  project = await openProject({
    'job.json': JSON.stringify({
      name: 'job',
      stages: [{ name: 'work', script, env_file: ['.env'], grace: '1s' }],
    }),
  });
  await writeFile(join(project.dir, '.env'), 'TOKEN=hunter2-hunter2\n');
  const first = await project.begin();
  const id = await project.start(first, 'job');
  await until(async () => (await project.lines('up')).length === 1);
  await project.kill(first);
  const second = await project.begin();
  await until(async () => (await project.lines('up')).length === 2);
  await writeFile(join(project.dir, 'go'), '');
  const end = await project.ended(second, id);
  expect([end.state, end.stages[0]?.attempt, await project.lines('up')]).toEqual([
    'DONE',
    2,
    ['1', '2'],
  ]);
  const log = (attempt: number) =>
    readFile(join(project.dir, 'data/runs', id, 'work', String(attempt), 'stdout.log'), 'utf8');
  // Both are masked on the disk once their answers are recorded.
  await until(async () => !(await log(1)).includes('hunter2'));
  await until(async () => !(await log(2)).includes('hunter2'));
  expect([await log(1), await log(2)]).toEqual(
    [first, second].map(({ url }) => `*************** ${url}\n`),
  );
});
