import { once } from 'node:events';
import { watch } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import * as merger from '../../stages/builtin/merger.ts';
import { sampleFiles } from '../../stages/builtin/sample-bars/files.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { makeProject } from './builtin-kit.ts';
import { startStage } from './stage-process.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;
const files = [
  ...sampleFiles({ instruments: ['ES'], from: '2025-01-06', days: 17, seed: 5, awkward: true }),
];
const stages = {
  // Several chunks, so that some attempts die between two of them.
  translator: { raw: 'raw', out: 't', layout: 'intraday', chunk_mb: 0.3 },
  analyzer: { in: 't', out: 'a' },
  merger: { in: 'a', out: 'm' },
};
type Stage = keyof typeof stages;
const outOf = { translator: 't', analyzer: 'a', merger: 'm' } as const;

/** What readers see of a stage: path → content. */
const seen = async (project: Project, stage: Stage) =>
  new Map(
    Object.entries(await project.state(outOf[stage]))
      .filter(([path]) => !path.includes('/manifests/') && !/\/\.[^/]+(\.tmp)?(\/|$)/.test(path))
      .map(([path, state]) => [path, state.split(' ')[0]]),
  );
const leftOvers = async (project: Project) =>
  (await readdir(project.dir, { recursive: true })).filter((path) => /\.tmp|duckdb-/.test(path));

const modules = { translator, analyzer, merger };
const order = Object.keys(stages) as Stage[];
let base: Project;

/** Old input through all three stages, then new input: what a killed attempt works on. */
beforeAll(async () => {
  base = await makeProject();
  const put = async (some: typeof files) => {
    for (const { path, text } of some) await base.write(`raw/${path}`, text);
  };
  await put(files.slice(0, 8));
  for (const stage of order) await base.run(modules[stage], stages[stage]);
  await put(files);
});
afterAll(() => base[Symbol.asyncDispose]());

/** The prepared project once more, with the stages before this one done. */
async function prepared(stage: Stage): Promise<Project> {
  const project = await makeProject();
  await cp(base.dir, project.dir, { recursive: true });
  for (const earlier of order.slice(0, order.indexOf(stage)))
    await project.run(modules[earlier], stages[earlier], { attempt: 2 });
  return project;
}

/**
 * Kills the process when so many things have happened in the folder: files made, written, renamed;
 * at 0 with its first word. @returns whether it came to that
 */
async function killAt(
  project: Project,
  stage: Stage,
  attempt: number,
  events: number,
): Promise<boolean> {
  const child = await startStage(project.dir, stage, stages[stage], attempt);
  if (events === 0) child.stdout!.once('data', () => child.kill('SIGKILL'));
  child.stdout!.resume();
  const ends = once(child, 'exit') as Promise<[number | null, string | null]>;
  let left = events;
  const watcher = watch(join(project.dir, outOf[stage]), { recursive: true }, () => {
    left -= 1;
    if (left === 0) child.kill('SIGKILL');
  });
  const [, signal] = await ends;
  watcher.close();
  return signal === 'SIGKILL';
}

test.each<[Stage, number[]]>([
  ['translator', [0, 1, 4, 10, 24]],
  ['analyzer', [0, 1, 2]],
  ['merger', [0, 1, 5]],
])(
  'S29: kill -9 of the %s at any moment leaves old files or new ones, and the next attempt finishes and cleans up',
  async (stage, points) => {
    await using undisturbed = await prepared(stage);
    await using killed = await prepared(stage);
    const old = await seen(undisturbed, stage);
    await undisturbed.run(modules[stage], stages[stage], { attempt: 2 });
    const fresh = await seen(undisturbed, stage);
    expect([...fresh]).not.toEqual([...old]);

    let kills = 0;
    for (const [index, events] of points.entries()) {
      if (await killAt(killed, stage, index + 2, events)) kills += 1;
      const now = await seen(killed, stage);
      for (const [path, content] of now)
        expect([old.get(path), fresh.get(path)]).toContain(content);
      expect([...old.keys()].filter((path) => fresh.has(path) && !now.has(path))).toEqual([]);
    }
    expect(kills).toBeGreaterThan(0);
    await killed.run(modules[stage], stages[stage], { stage, attempt: 9 });
    expect(await seen(killed, stage)).toEqual(fresh);
    expect(await leftOvers(killed)).toEqual([]);
  },
);

test('S29: what a killed attempt left beside the files, in any of the places where it writes, is gone after the next', async () => {
  await using project = await prepared('translator');
  const litter = [
    't/ES/.days.tmp/2025-01-07.parquet',
    't/ES/2025/01/.x.parquet.tmp',
    't/rejects/.ES.csv.tmp',
    't/manifests/.ES.json.tmp',
    'workspace/duckdb-translator-ES-1/block',
  ];
  for (const path of litter) await project.write(path, 'half');
  await project.run(translator, stages.translator, { stage: 'translator', attempt: 2 });
  expect(await leftOvers(project)).toEqual([]);
});

test('S30: a target that cannot be written fails the stage and keeps its inputs; once it can, the retry finishes the rest', async () => {
  await using project = await prepared('merger');
  const inputs = await project.state('a');
  const blocked = join(project.dir, 'm/ES/S1/.2025-01.parquet.tmp/held');
  await mkdir(blocked, { recursive: true });
  const merging = project.run(merger, stages.merger, { attempt: 2 });
  await expect(merging).rejects.toMatchObject({
    code: 'unwritable-target',
    message: expect.stringContaining('S1/2025-01.parquet'),
  });
  expect(await project.state('a')).toEqual(inputs);
  const counts = async (session: string) => (await project.allRows(`m/ES/${session}`)).length;
  const held = await counts('S1');
  await rm(join(blocked, '..'), { recursive: true });
  await project.run(merger, stages.merger, { attempt: 3 });
  expect(await counts('S1')).toBeGreaterThan(held);
  expect((await counts('S1')) / 3).toBe((await counts('S2')) / 4);
});
