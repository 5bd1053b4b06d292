import { execFile } from 'node:child_process';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasNewInput, inputsThere } from '../../../services/scheduler/new-input.ts';
import { quick, type Scheduled, scheduled } from '../../support/scheduled.ts';
import { ended, startRequest } from '../../support/service.ts';

const run = promisify(execFile);
let now: Scheduled;
afterEach(async () => {
  await now.close();
  await rm(now.dir, { recursive: true, force: true });
});

/** Long before any run, on the clock of the test as on that of the machine. */
const old = new Date('2020-01-01T00:00:00Z');
const written = async (path: string, text: string): Promise<void> => {
  const full = join(now.dir, path);
  await mkdir(join(full, '..'), { recursive: true });
  await writeFile(full, text);
  await utimes(full, old, old);
};
const sh = (script: string) => run('sh', ['-euc', script], { cwd: now.dir });
const open = async (more = ''): Promise<void> => {
  now = await scheduled(quick(`cron: "0 * * * *", only_when_new: [ "in/*.csv" ]${more}`));
  await written('in/a.csv', 'one');
  await written('from/b.csv', 'two');
};
let hour = 8;
beforeEach(() => {
  hour = 8;
});
/** What becomes of the next slot; a run that it begins is over then. */
const next = async (): Promise<string> => {
  hour += 1;
  await now.at(`2027-01-15T${String(hour).padStart(2, '0')}:00:00Z`);
  await now.over();
  return ((await now.decisions()).at(-1) as string).slice(6);
};

test.each([
  ['cp -p', 'cp -p from/b.csv in/b.csv'],
  ['tar', 'tar cf - -C from b.csv | tar xpf - -C in'],
  ['mv', 'mv from/b.csv in/b.csv'],
  ['a hard link', 'ln from/b.csv in/b.csv'],
  ['a symbolic link to a file', 'ln -s ../from/b.csv in/b.csv'],
  ['a copy to another name that is renamed', 'cp -p from/b.csv in/.b && mv in/.b in/b.csv'],
  ['a replacement of the same name, size and time', 'cp -p from/b.csv x && mv x in/a.csv'],
  [
    'a rewrite in place of the same size, dated back',
    'printf two > in/a.csv && touch -d @1577836800 in/a.csv',
  ],
  ['truncation', ': > in/a.csv && touch -d @1577836800 in/a.csv'],
  ['one line more', 'echo more >> in/a.csv'],
  ['a new date', 'touch in/a.csv'],
  [
    'a folder that comes whole',
    'mv in aside && mkdir new && cp -p aside/a.csv from/b.csv new && mv new in',
  ],
])('TIME-2: a file that arrives by %s is seen, once', async (_, script) => {
  await open();
  expect(await next()).toBe('started');
  expect(await next()).toBe('skipped');
  await sh(script);
  expect(await next()).toBe('started');
  expect(await next()).toBe('skipped');
});

test('a file that is gone, and one that the patterns do not mean, are nothing new', async () => {
  await open();
  await sh('cp -p from/b.csv in/b.csv');
  expect(await next()).toBe('started');
  await sh('rm in/b.csv && mkdir in/c.csv && cp -p from/b.csv in/b.txt');
  expect(await next()).toBe('skipped');
  expect((await now.slots()).at(-1)?.reason).toBe(
    'no file of in/*.csv is new or changed since run 1, the latest that is DONE',
  );
});

test('what was there when a run began that failed is still new', async () => {
  await open();
  now = await now.again(
    '2027-01-15T08:30:00Z',
    quick('cron: "0 * * * *", only_when_new: [ "in/*.csv" ]', 'test ! -e bad'),
  );
  await sh(': > bad');
  expect(await next()).toBe('started');
  expect(await next()).toBe('started');
  await sh('rm bad');
  expect(await next()).toBe('started');
  expect(await next()).toBe('skipped');
});

test('a run by hand takes in what is there as well; one stage alone does not', async () => {
  await open();
  const byHand = async (onlyStage: string | null): Promise<void> => {
    const { status } = await now.orchestrator.start(startRequest('p', { onlyStage }));
    await ended(now.orchestrator, status.run_id as string);
  };
  await byHand('work');
  expect(await next()).toBe('started');
  await sh('cp -p from/b.csv in/b.csv');
  await byHand('work');
  expect(await next()).toBe('started');
  await sh('touch in/b.csv');
  await byHand(null);
  expect(await next()).toBe('skipped');
});

test('what came while the run worked is new to the next slot', async () => {
  now = await scheduled(
    quick('cron: "0 * * * *", only_when_new: [ "in/*.csv" ]', 'cp -p from/b.csv in/b.csv'),
  );
  await written('in/a.csv', 'one');
  await written('from/b.csv', 'two');
  expect(await next()).toBe('started');
  expect(await next()).toBe('started');
});

test('of more than ten thousand files any difference counts', async () => {
  await open();
  await sh('seq -f in/%05g.csv 1 10001 | xargs touch');
  const patterns = ['in/*.csv'];
  const { marks } = await inputsThere(patterns, now.dir);
  expect(marks.length).toBeLessThan(100);
  const done = { createdAt: 0, inputsFound: marks };
  expect(await hasNewInput(patterns, now.dir, done)).toBe(false);
  await sh('rm in/00001.csv');
  expect(await hasNewInput(patterns, now.dir, done)).toBe(true);
});

test('a run from before this was remembered is compared by its beginning, old dates or not', async () => {
  await open();
  expect(await next()).toBe('started');
  await now.again('2027-01-15T09:10:00Z').then((running) => {
    now = running;
  });
  // The clock of the test is ahead of every file; other patterns are not remembered of that run.
  await now.orchestrator.changeSchedule(
    'p',
    { only_when_new: ['from/*.csv'] },
    { revert: [], ifVersion: null, actor: { name: 'ann' } },
  );
  expect(await next()).toBe('skipped');
});
