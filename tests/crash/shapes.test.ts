import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// Each shape of a pipeline under a service that is killed in its middle.

let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());

const open = async (stages: object[], more: object = {}) => {
  project = await openProject({ 'job.json': JSON.stringify({ name: 'job', ...more, stages }) });
  return project.begin();
};
const has = (name: string, count: number) =>
  until(async () => (await project.lines(name)).length === count);
const waits = (name: string) =>
  `echo "$STAGEWRIGHT_ATTEMPT" >> ${name}; until [ -e go ]; do sleep 0.02; done`;
const letGo = () => writeFile(join(project.dir, 'go'), '');

test('a stage that may fail, cut off by a crash, is begun anew; its failure is allowed all the same', async () => {
  const first = await open([
    { name: 'tests', script: `${waits('up')}; exit 1`, allow_failure: true, grace: '1s' },
    { name: 'last', script: 'echo on >> last' },
  ]);
  const id = await project.start(first, 'job');
  await has('up', 1);
  await project.kill(first);
  const second = await project.begin();
  await has('up', 2);
  await letGo();
  const end = await project.ended(second, id);
  expect([end.outcome, end.stages.map(({ state }) => state), await project.lines('last')]).toEqual([
    'partial',
    ['failed', 'succeeded'],
    ['on'],
  ]);
});
