import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../stages/listen.ts';
import { noMask } from '../../stages/mask.ts';

let dir: string;
let paths: { stdout: string; stderr: string };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-listen-'));
  paths = { stdout: join(dir, 'stdout.log'), stderr: join(dir, 'stderr.log') };
  await writeFile(paths.stderr, '');
});
afterEach(() => rm(dir, { recursive: true }));
const metrics = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) => `::stagewright {"metric":{"m${index % 9}":${index}}}\n`,
  ).join('');

/** Turns of the event loop that others have while `work` goes on. */
const turnsWhile = async <T>(work: Promise<T>): Promise<{ result: T; turns: number }> => {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const result = await work;
  isOver = true;
  return { result, turns };
};

test('REL-4: while 40,000 lines are heard, everybody else has a turn every 250 lines', async () => {
  await writeFile(paths.stdout, metrics(40_000));
  const { result, turns } = await turnsWhile(listen(paths, noMask).finish());
  expect(result.metrics.m0).toBe(39_996);
  expect(turns).toBeGreaterThanOrEqual(40_000 / 250);
});

test('what is said after the end was asked for does not keep it from coming', async () => {
  await writeFile(paths.stdout, metrics(1000));
  const heard = listen(paths, noMask);
  // As one who got away from the sweep would: always more.
  let isOver = false;
  const talks = (async () => {
    while (!isOver) await appendFile(paths.stdout, metrics(2000));
  })();
  const said = await heard.finish();
  isOver = true;
  await talks;
  expect(Object.keys(said.metrics)).toHaveLength(9);
});

test('the answer is the same whether it was followed or read once, however it was cut', async () => {
  const text = `${metrics(300)}::stagewright {"progress":{"done":1}}\n::stagewright {"output":{"o":1}}\nlog\n::stagewright no\n`;
  await writeFile(paths.stdout, '');
  const followed = listen(paths, noMask);
  for (let at = 0; at < text.length; at += 777) {
    await appendFile(paths.stdout, text.slice(at, at + 777));
    await followed.read();
  }
  expect(await followed.finish()).toEqual(await listen(paths, noMask).finish());
});
