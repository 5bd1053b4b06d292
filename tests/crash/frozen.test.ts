import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// The service is frozen (SIGSTOP: what a paused machine, a debugger or a cgroup freezer does) while
// runs stand in every state, until their limits have passed, and goes on. One freeze for all.

const bash = (script: string): string => JSON.stringify(['bash', '-c', script]);
const file = (name: string, stages: string[], more = ''): Record<string, string> => ({
  [`${name}.yaml`]: `name: ${name}\n${more}stages:\n${stages.map((one) => `  - { ${one} }\n`).join('')}`,
});
const waits = (name: string): string => `until [ -e go-${name} ]; do sleep 0.02; done`;
const stubborn = "trap '' TERM; echo up; while true; do sleep 0.02; done";
const limits = 'timeout: 5s, heartbeat: 3s';
const pipelines = {
  // Ends in time while nobody looks.
  ...file('ends', [`name: work, ${limits}, run: ${bash(`echo up; ${waits('ends')}`)}`]),
  // Ends after its timeout, since nobody was there to end it.
  ...file('late', [`name: work, timeout: 5s, run: ${bash(`echo up; ${waits('late')}`)}`]),
  ...file('prints', [
    `name: work, heartbeat: 3s, run: ${bash('until [ -e go-prints ]; do echo line; sleep 0.1; done')}`,
  ]),
  ...file('silent', [`name: work, heartbeat: 3s, run: ${bash(`echo up; ${waits('silent')}`)}`]),
  ...file('overdue', [`name: work, timeout: 5s, run: ${bash(`echo up; ${waits('overdue')}`)}`]),
  ...file(
    'line',
    [`name: work, run: ${bash(waits('line'))}`],
    'concurrency: { on_conflict: queue }\n',
  ),
  ...file('backs', [
    `name: work, retry: { limit: 1, backoff: { initial: 3s } }, run: ${bash('[ $STAGEWRIGHT_ATTEMPT = 2 ]')}`,
  ]),
  ...file('holds', [`name: a, run: ${bash(waits('holds'))}`, `name: b, run: ["true"]`]),
  ...file('ending', [`name: work, timeout: 500ms, grace: 4s, run: ${bash(stubborn)}`]),
  ...file('stopping', [`name: work, grace: 4s, run: ${bash(stubborn)}`]),
};

let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());

test('REL-7: frozen in every state beyond every limit: what ended counts as it ended, who spoke was not silent, and who is late is ended', async () => {
  project = await openProject(pipelines);
  const { dir } = project;
  const go = (name: string) => writeFile(join(dir, `go-${name}`), '');
  const service = await project.begin();
  const ids: Record<string, string> = {};
  const start = async (name: string): Promise<string> => {
    ids[name] = await project.start(service, name);
    return ids[name];
  };
  const exited = (name: string) =>
    until(() =>
      access(join(dir, 'data/runs', ids[name] as string, 'work/1/exit.json')).then(
        () => true,
        () => false,
      ),
    );
  const spoke = (name: string) =>
    until(async () => (await project.logOf(ids[name] as string, 'work')).length > 0);

  const waiting = [await start('line'), await start('line')] as const;
  await project.is(service, await start('holds'), ({ state }) => state === 'RUNNING_A');
  await project.command(service, ids.holds as string, 'PAUSE');
  await go('holds');
  await project.is(service, ids.holds as string, ({ state }) => state === 'PAUSED');
  await start('stopping');
  await spoke('stopping');
  await start('prints');
  await spoke('prints');
  await project.is(service, await start('ending'), ({ why }) => why.includes('ends attempt 1'));
  await project.command(service, ids.stopping as string, 'STOP');
  await project.is(service, ids.stopping as string, ({ state }) => state === 'STOPPING');
  await project.is(service, await start('backs'), ({ state }) => state === 'RETRYING');
  // Their limits count from here.
  const limited = ['silent', 'overdue', 'late', 'ends'];
  for (const name of limited) await start(name);
  for (const name of limited) await spoke(name);

  service.process.kill('SIGSTOP');
  const frozenAt = performance.now();
  await go('ends');
  await exited('ends');
  await until(() => performance.now() - frozenAt > 5500);
  await go('late');
  await exited('late');
  service.process.kill('SIGCONT');

  const end = async (name: string) => {
    const { state, error, attempt } = await project.ended(service, ids[name] as string);
    return [state, error?.code ?? null, attempt];
  };
  const warnings = async (name: string) =>
    (await project.events(service, ids[name] as string))
      .filter(({ event }) => event === 'warning' || event === 'error')
      .map(({ data }) => data.kind ?? data.alarm);
  expect([await end('ends'), await warnings('ends')]).toEqual([['DONE', null, 1], []]);
  expect([await end('late'), await warnings('late')]).toEqual([['DONE', null, 1], ['late-exit']]);
  expect([await end('silent'), await warnings('silent')]).toEqual([
    ['FAILED', 'heartbeat', 1],
    ['late-heartbeat'],
  ]);
  expect(await end('overdue')).toEqual(['FAILED', 'timeout', 1]);
  expect(await end('backs')).toEqual(['DONE', null, 2]);
  expect([await end('ending'), await warnings('ending')]).toEqual([['FAILED', 'timeout', 1], []]);
  expect([await end('stopping'), await warnings('stopping')]).toEqual([['STOPPED', null, 1], []]);
  expect((await project.run(service, ids.prints as string)).state).toBe('RUNNING_WORK');
  await go('prints');
  expect([await end('prints'), await warnings('prints')]).toEqual([['DONE', null, 1], []]);
  expect((await project.run(service, ids.holds as string)).state).toBe('PAUSED');
  await project.command(service, ids.holds as string, 'RESUME');
  expect(await end('holds')).toEqual(['DONE', null, 1]);
  await go('line');
  for (const id of waiting) expect((await project.ended(service, id)).state).toBe('DONE');
  expect(project.stageProcesses()).toEqual([]);
});
