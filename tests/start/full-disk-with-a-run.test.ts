import type { Status } from '../../wire/status.ts';
import { processesOf } from '../support/processes.ts';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { openSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const job = { name: 'job', stages: [{ name: 'work', grace: '300ms', run: ['sleep', '60'] }] };
const flags = ['--port', '0', '--ballast', '0', '--min-free-disk', '0'];

let disk: SmallDisk;
let service: Served | null = null;
afterEach(async () => {
  await service?.end('SIGKILL');
  service = null;
  await disk.remove();
});

test('a start that finds no space to go on with a run ends with its sentence, though its port was open', async () => {
  disk = await openSmallDisk({ 'job.json': JSON.stringify(job) });
  if (!disk.isReal) return;
  service = await serve(disk.dir);
  const { run_id } = (await (await service.post('/api/pipeline/start')).json()) as Status;
  const id = run_id as string;
  const isWorking = async () =>
    (await service?.get<Status>(`/api/runs/${id}`))?.state === 'RUNNING_WORK';
  await until(isWorking);
  disk.fill();
  await service.end('SIGKILL');
  service = null;
  // What the launcher ended.
  await until(() => processesOf(id).length === 0);
  await disk.clear();
  disk.fill();
  const places = ['--data-dir', `${disk.dir}/data`, '--pipelines', `${disk.dir}/pipelines`];
  const { code, err } = await stagewright(['serve', ...flags, ...places]);
  expect([code, err.trim().split('\n').at(-1)]).toEqual([
    6,
    `${disk.dir}/data cannot be used, no space is left on its disk: make room there, or name another folder with --data-dir`,
  ]);
});
