import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ended,
  eventually,
  type Running,
  runService,
  startRequest,
} from '../../support/service.ts';

let running: Running;
afterEach(() => running.close());
const actor = { kind: 'user' as const, name: 'ada' };
const file = (name: string, script: string, more = '') =>
  `name: ${name}\n${more}stages:\n  - { name: work, run: ["bash", "-c", ${JSON.stringify(script)}] }\n`;
const write = (name: string, text: string) => writeFile(join(running.dir, 'pipelines', name), text);
const reload = () => running.orchestrator.reload(actor);
const names = async () => (await running.orchestrator.pipelines()).items.map(({ name }) => name);
const open = async (pipelines: Record<string, string>) => {
  running = await runService({ pipelines, defaultPipeline: 'a' });
};
const waits = 'echo up > up; until [ -e go ]; do sleep 0.02; done';

test('Q20: added, changed and removed files count from then on, and one event says what and who', async () => {
  await open({ 'a.yaml': file('a', 'echo old > said'), 'b.yaml': file('b', 'true') });
  await write('a.yaml', file('a', 'echo new > said'));
  await write('c.yaml', file('c', 'true'));
  await rm(join(running.dir, 'pipelines/b.yaml'));
  expect(await reload()).toEqual({
    added: ['c'],
    changed: ['a'],
    removed: ['b'],
    kept: [],
    problems: [],
  });
  expect(await names()).toEqual(['a', 'c']);
  await expect(running.orchestrator.start(startRequest('b'))).rejects.toMatchObject({
    code: 'unknown-pipeline',
  });
  const event = (await running.orchestrator.events({ event: 'changed', limit: 1 })).items[0];
  expect(event).toMatchObject({
    stage: 'system',
    data: { command: 'RELOAD', by: 'ada', added: ['c'], changed: ['a'], removed: ['b'] },
  });
});

test('Q20: a live run goes on by the file it began with, the next one by the new file', async () => {
  await open({ 'a.yaml': file('a', waits) });
  const first = (await running.orchestrator.start(startRequest('a'))).status.run_id as string;
  await eventually(
    running.orchestrator,
    async () => (await running.orchestrator.run(first)).state === 'RUNNING_WORK',
  );
  await write('a.yaml', 'name: a\nstages:\n  - { name: other, run: ["true"] }\n');
  await reload();
  await writeFile(join(running.dir, 'go'), '');
  expect(
    (await ended(running.orchestrator, first)).stages.map(({ name, state }) => [name, state]),
  ).toEqual([['work', 'succeeded']]);
  const second = (await running.orchestrator.start(startRequest('a'))).status.run_id as string;
  expect((await ended(running.orchestrator, second)).stages.map(({ name }) => name)).toEqual([
    'other',
  ]);
});

test('Q20: a broken edit keeps what the file said before, health names file and line, and a mended one heals it', async () => {
  await open({ 'a.yaml': file('a', 'true') });
  await write('a.yaml', 'name: a\nstages:\n  - { name: work, runn: ["true"] }\n');
  const report = await reload();
  expect(report).toMatchObject({ kept: ['a'], changed: [], removed: [] });
  expect(report.problems[0]).toMatchObject({ file: 'a.yaml', line: 3 });
  expect(running.orchestrator.health()).toMatchObject({
    status: 'degraded',
    checks: { pipelines: { code: 'bad-file' } },
  });
  const run = (await running.orchestrator.start(startRequest('a'))).status.run_id as string;
  expect((await ended(running.orchestrator, run)).state).toBe('DONE');
  await write('a.yaml', file('a', 'exit 3'));
  expect(await reload()).toMatchObject({ changed: ['a'], kept: [], problems: [] });
  expect(running.orchestrator.health().checks.pipelines?.status).toBe('ok');
});

test('Q20: a folder that cannot be read takes no pipeline away', async () => {
  await open({ 'a.yaml': file('a', 'true') });
  await rename(join(running.dir, 'pipelines'), join(running.dir, 'elsewhere'));
  expect(await reload()).toMatchObject({
    kept: ['a'],
    removed: [],
    problems: [{ code: 'unreadable' }],
  });
  expect(await names()).toEqual(['a']);
});

test('Q19: a schedule that its file changes is in force with the reload', async () => {
  const schedule = (cron: string) =>
    `schedules: [ { id: nightly, cron: "${cron}", timezone: UTC } ]\n`;
  await open({ 'a.yaml': file('a', 'true', schedule('0 1 * * *')) });
  await write('a.yaml', file('a', 'true', schedule('30 2 * * *')));
  expect((await reload()).changed).toEqual(['a']);
  expect((await running.orchestrator.schedule('a')).cron).toBe('30 2 * * *');
});

test('TIME-9: a pipeline whose calendar file has changed is named, and no other', async () => {
  const schedule =
    'schedules: [ { cron: "0 1 * * *", skip_days: { file: pipelines/holidays.txt } } ]\n';
  await open({
    'a.yaml': file('a', 'true', schedule),
    'b.yaml': file('b', 'true'),
    'holidays.txt': '2027-12-25 Christmas Day\n',
  });
  expect((await reload()).changed).toEqual([]);
  await write('holidays.txt', '2027-12-25 Christmas Day\n2028-01-01\n');
  expect((await reload()).changed).toEqual(['a']);
  const event = (await running.orchestrator.events({ event: 'changed', limit: 1 })).items[0];
  expect(event).toMatchObject({ data: { command: 'RELOAD', changed: ['a'] } });
  // Another comment is another text, and the same days.
  await write('holidays.txt', '# by the exchange\n2027-12-25 Christmas Day\n2028-01-01\n');
  expect((await reload()).changed).toEqual([]);
});
