import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../bin/command.ts';
import { simulateCommands } from '../../bin/commands/simulate-command.ts';
import { createOutput } from '../../bin/print.ts';
import { type Simulation, simulationSchema } from '../../wire/simulation.ts';
import { projectWith } from '../support/service.ts';

let dir: string;
beforeAll(async () => {
  dir = await projectWith({
    'mine.yaml':
      'name: mine\nstages:\n  - { name: one, run: ["true"], retry: { limit: 1 } }\n  - { name: two, run: ["true"] }\n',
    'odd.yaml': 'name: odd\nstages: 7\n',
  });
});
afterAll(() => rm(dir, { recursive: true }));

/** The command without its process: what it says, and its exit code. */
const simulate = async (given: string, values: Context['values'] = {}) => {
  const written: string[] = [];
  const stream = { write: (chunk: string) => written.push(chunk) > 0 };
  const context = {
    args: [given],
    values: { pipelines: join(dir, 'pipelines'), ...values },
    out: createOutput(stream, stream, {}),
    env: {},
  };
  const code = await simulateCommands.simulate?.run(context as unknown as Context);
  return { code, text: written.join('') };
};

test('it exits as the run ended: 0 done, 1 failed, 5 stopped', async () => {
  const done = await simulate('mine', { fail: ['one'] });
  expect([done.code, done.text]).toEqual([0, expect.stringContaining('DONE after')]);
  expect(done.text).toContain('again: stagewright simulate mine --fail one\n');
  const failed = await simulate('mine', { fail: ['two'] });
  expect([failed.code, failed.text]).toEqual([1, expect.stringContaining('FAILED after')]);
  expect((await simulate('mine', { 'stop-at': ['one'] })).code).toBe(5);
});

test('a file is as good as a name, and many runs are summed up', async () => {
  const { code, text } = await simulate(join(dir, 'pipelines/mine.yaml'), {
    seed: '3',
    runs: '20',
  });
  expect([code, text]).toEqual([0, expect.stringContaining('20 runs: ')]);
  expect(text).toContain('every invariant held after every write');
  const json = await simulate('mine', { runs: '20', seed: '3', json: true });
  const { survey } = JSON.parse(json.text) as Simulation;
  expect([simulationSchema.safeParse(JSON.parse(json.text)).error, survey?.runs]).toEqual([
    undefined,
    20,
  ]);
});

test('a seed alone tells one run with the faults of that seed, the same each time', async () => {
  const [first, again] = [
    await simulate('mine', { seed: '5' }),
    await simulate('mine', { seed: '5' }),
  ];
  expect(first).toEqual(again);
  const replay = /again: stagewright simulate mine (.*)\n/.exec(first.text)?.[1] ?? '';
  expect(replay).toContain('--');
});

test.each([
  ['mien', {}, 'did you mean mine?'],
  ['mine', { fail: ['tow'] }, 'mine has no stage tow; did you mean two?'],
  ['mine', { fail: ['one:often'] }, 'write --fail stage[:times][:code]'],
  ['mine', { runs: '0' }, '--runs 0'],
  ['none.yaml', {}, 'there is no none.yaml'],
])('%s %j is refused with what to do', async (given, values, message) => {
  await expect(simulate(given, values)).rejects.toThrow(message);
});

test('a file that does not hold is named with its line and field', async () => {
  await expect(simulate(join(dir, 'pipelines/odd.yaml'))).rejects.toThrow(
    /^odd\.yaml:2: \/stages: /,
  );
});
