import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stagewright } from '../support/serve.ts';
import { ended, runService, startRequest } from '../support/service.ts';

const example = fileURLToPath(new URL('../../examples/cron', import.meta.url));
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-crontab-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));
const filesIn = async (folder: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      (await readdir(folder)).map(
        async (name) => [name, await readFile(join(folder, name), 'utf8')] as const,
      ),
    ),
  );

test('examples/cron: five lines become five pipelines that hold, and each does what its line does', async () => {
  const out = join(dir, 'pipelines');
  const made = await stagewright(['import', 'crontab', join(example, 'crontab'), '--out', out]);
  expect([made.code, made.err]).toEqual([0, '']);
  // Else: stagewright import crontab examples/cron/crontab --out examples/cron/pipelines --force
  expect(await filesIn(out)).toEqual(await filesIn(join(example, 'pipelines')));
  expect((await stagewright(['validate', out, '--strict'])).code).toBe(0);

  const { orchestrator, close } = await runService({ dir });
  const outputOf = async (pipeline: string): Promise<[string, string]> => {
    const { status } = await orchestrator.start(startRequest(pipeline));
    const runId = status.run_id as string;
    const { state } = await ended(orchestrator, runId);
    const place = { stage: 'job', attempt: 1 };
    const part = await orchestrator.logPart(runId, place, 'stdout', { offset: 0, limit: 1000 });
    return [state, part?.bytes.toString() ?? ''];
  };
  try {
    expect(await outputOf('echo')).toEqual([
      'DONE',
      expect.stringMatching(/^still here at \d\d:\d\d\n$/),
    ]);
    expect(await outputOf('find')).toEqual(['DONE', expect.stringMatching(/^\s*1\n$/)]);
    expect(await outputOf('uname')).toEqual(['DONE', expect.stringMatching(/^Linux\n\d+\n$/)]);
    expect(await outputOf('sort')).toEqual(['DONE', 'apple\npear\nquince\n']);
    expect(await outputOf('echo-2')).toEqual(['DONE', 'an odd Monday\n']);
    const { items } = await orchestrator.schedules(null);
    expect(items.map(({ cron, timezone }) => [cron, timezone])).toContainEqual([
      '*/15 8-18 * * 1-5',
      'Europe/Berlin',
    ]);
  } finally {
    await close();
  }
});

test('nothing that is there is written over without --force, not even a part of it, and a dry run writes nothing', async () => {
  const crontab = join(dir, 'crontab');
  await writeFile(crontab, '@daily first\n@daily second\n');
  const out = join(dir, 'pipelines');
  const run = (...more: string[]) =>
    stagewright(['import', 'crontab', crontab, '--out', out, '--timezone', 'UTC', ...more]);
  const dry = await run('--dry-run');
  expect([dry.code, dry.out]).toEqual([0, expect.stringContaining('    name: second')]);
  expect(await readdir(dir)).toEqual(['crontab']);

  expect((await run()).code).toBe(0);
  await writeFile(crontab, '@daily first\n@daily third\n');
  const before = await filesIn(out);
  const again = await run();
  expect([again.code, again.err]).toEqual([2, expect.stringContaining('first.yaml in')]);
  expect(await filesIn(out)).toEqual(before);
  expect((await run('--force')).code).toBe(0);
  expect(Object.keys(await filesIn(out)).sort()).toEqual([
    'first.yaml',
    'second.yaml',
    'third.yaml',
  ]);

  // A link that leads nowhere is a file that is there.
  await writeFile(crontab, '@daily linked\n');
  await symlink('/nowhere/at-all', join(out, 'linked.yaml'));
  expect((await run()).code).toBe(2);
});

test('what could not be carried over is said by line, with why, and is exit code 1', async () => {
  const crontab = join(dir, 'crontab');
  await writeFile(crontab, 'MAILTO=me\n@reboot up\n0 0 L * * last-day\n0 25 * * *\n');
  const made = await stagewright(['import', 'crontab', crontab, '--out', join(dir, 'p'), '--json']);
  const { files, notes, left_out: leftOut } = JSON.parse(made.out);
  expect(made.code).toBe(1);
  expect(files).toEqual([
    expect.objectContaining({
      pipeline: 'up',
      line: 2,
      notes: [expect.stringContaining('@reboot')],
    }),
  ]);
  expect(notes).toEqual([expect.stringContaining('MAILTO')]);
  expect(leftOut).toEqual([
    expect.objectContaining({
      line: 3,
      why: 'the day of month `L` is not one that crontab(5) has',
    }),
    expect.objectContaining({ line: 4, why: expect.stringContaining('expected five fields') }),
  ]);
  expect((await stagewright(['validate', join(dir, 'p'), '--strict'])).code).toBe(0);

  const empty = await stagewright(['import', 'crontab', '/dev/null', '--out', join(dir, 'q')]);
  expect([empty.code, empty.err]).toEqual([1, 'there is no line to carry over\n']);
  const missing = await stagewright(['import', 'crontab', join(dir, 'none')]);
  expect([missing.code, missing.err]).toEqual([
    2,
    expect.stringContaining('cannot be read (ENOENT)'),
  ]);
  expect((await stagewright(['import', 'ical'])).code).toBe(2);
});
