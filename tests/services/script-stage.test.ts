import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from '../../wire/status.ts';
import { ended, projectWith, type Running, runService, startRequest } from '../support/service.ts';

let dir: string;
let on: Running;
afterEach(async () => {
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

type Work = { stage: object; file?: object; url?: string };
/** A project with the pipeline `job` and its one stage. */
const open = async ({ stage, file = {}, url }: Work): Promise<void> => {
  const stages = [{ name: 'work', ...stage }];
  dir = await projectWith({ 'job.json': JSON.stringify({ name: 'job', ...file, stages }) });
  on = await runService({ dir, ...(url !== undefined && { service: { url: () => url } }) });
};
const run = async (): Promise<Status> => {
  const { status } = await on.orchestrator.start(startRequest('job'));
  return ended(on.orchestrator, status.run_id as string);
};
const outcome = async (work: Work): Promise<Status> => {
  await open(work);
  return run();
};
const log = ({ run_id }: Status, attempt = 1, name = 'stdout.log'): Promise<string> =>
  readFile(join(dir, 'data/runs', run_id as string, 'work', String(attempt), name), 'utf8');

test("a script is the shell's own text: its variables are those of the stage, and nothing is inserted", async () => {
  const end = await outcome({
    stage: {
      script:
        'greet() {\n  echo "${GREETING:-none} ${WHO} $THREADS $EMPTY $$ROWS" | tr a-z A-Z\n}\ngreet\n',
      env: { WHO: '${params.who}', THREADS: 4, ROWS: 1 },
    },
    file: { params: { who: { type: 'string', default: '$(rm x); "b"' } }, env: { EMPTY: '' } },
  });
  expect(end.state).toBe('DONE');
  expect(await log(end)).toMatch(/^NONE \$\(RM X\); "B" 4 {2}\d+ROWS\n$/);
});

test.each([
  ['a command fails', 'false\necho on', /^$/],
  ['a variable has no value', 'echo "$NOBODY_HAS_SET_THIS"\necho on', /NOBODY_HAS_SET_THIS/],
])('a script ends where %s', async (_, script, stderr) => {
  const end = await outcome({ stage: { script } });
  expect([end.state, end.error?.code]).toEqual(['FAILED', 'exit-code']);
  expect(await log(end)).toBe('');
  expect(await log(end, 1, 'stderr.log')).toMatch(stderr);
});

test('a script has the words of its shell, and one that is not there fails before the first stage', async () => {
  const text = 'set -o pipefail; declare -a list=(a b c); echo "${#list[@]}"';
  const end = await outcome({ stage: { script: { shell: 'bash', text } } });
  expect([end.state, await log(end)]).toEqual(['DONE', '3\n']);
  await on.close();
  await rm(dir, { recursive: true });
  const other = await outcome({ stage: { script: 'true', env: { PATH: '/nowhere' } } });
  expect([other.error?.code, other.stages[0]?.attempt]).toEqual(['command-not-found', 0]);
});

test('an inserted value that is no text reaches the program as JSON', async () => {
  const params = {
    list: { type: 'array', default: ['a', 'b'] },
    full: { type: 'boolean', default: true },
  };
  const env = { LIST: '${params.list}', FULL: '${params.full}' };
  const end = await outcome({ stage: { script: 'echo "$LIST $FULL"', env }, file: { params } });
  expect(await log(end)).toBe('["a","b"] true\n');
});

test('a stage knows its slot and where the service answers; a run by hand has its start for a slot', async () => {
  const end = await outcome({
    stage: {
      script: 'echo "$STAGEWRIGHT_SLOT $STAGEWRIGHT_URL $SAME $DAY"',
      env: { SAME: '${run.slot}', DAY: '${slot.date-1d}' },
    },
    url: 'http://127.0.0.1:1234',
  });
  const created = end.created_at as string;
  const before = new Date(Date.parse(created) - 86_400_000).toISOString().slice(0, 10);
  expect(await log(end)).toBe(`${created} http://127.0.0.1:1234 ${created} ${before}\n`);
});

test('an env_file is read at each attempt, stands below env, and its values are masked', async () => {
  await open({
    stage: {
      // The first attempt changes the file, as somebody who rotates a password does.
      script:
        'echo "$TOKEN $LEVEL $MODE"; printf "TOKEN=second-secret\\nLEVEL=debug\\n" > .env; [ $STAGEWRIGHT_ATTEMPT = 2 ]',
      env_file: ['base.env', '.env'],
      env: { MODE: 'own' },
      retry: { limit: 1, backoff: { initial: '1ms', jitter: 0 } },
    },
  });
  await writeFile(join(dir, 'base.env'), 'LEVEL=info\nMODE=file\n');
  await writeFile(join(dir, '.env'), 'TOKEN=first-secret\n');
  const end = await run();
  expect(end.state).toBe('DONE');
  await on.close();
  expect([await log(end), await log(end, 2)]).toEqual([
    '************ info own\n',
    '************* debug own\n',
  ]);
});

test('numbers and short words of an env_file are not hidden', async () => {
  await open({ stage: { script: 'echo "$PORT $FULL $LEVEL"', env_file: ['.env'] } });
  await writeFile(join(dir, '.env'), 'PORT=1234567890\nFULL=true\nLEVEL=verbose\n');
  const end = await run();
  await on.close();
  expect(await log(end)).toBe('1234567890 true verbose\n');
});

test.each([
  ['is not there', null, 'the env_file .env is not there'],
  ['has a wrong line', 'A=1\nhunter2-hunter2', 'the env_file .env has no NAME=value in line 2'],
])('an env_file that %s fails the stage, is named, and shows nothing', async (_, text, message) => {
  await open({
    stage: { script: 'true', env_file: ['.env'], retry: { limit: 3 } },
  });
  if (text !== null) await writeFile(join(dir, '.env'), text);
  const end = await run();
  expect(end.error).toMatchObject({ code: 'missing-env-file', message, attempt: 1 });
  expect(JSON.stringify(end)).not.toContain('hunter2');
});

test('runs and pipelines are found by a label that the pipeline has today', async () => {
  await open({ stage: { script: 'true' }, file: { labels: ['nightly', 'market'] } });
  const { run_id } = await run();
  const found = async (label: string) => {
    const runs = await on.orchestrator.runs({ label, limit: 10 });
    const pipelines = await on.orchestrator.pipelines(label);
    return [runs.items.map((one) => one.run_id), pipelines.items.map(({ name }) => name)];
  };
  expect(await found('market')).toEqual([[run_id], ['job']]);
  expect(await found('night')).toEqual([[], []]);
  const { items } = await on.orchestrator.pipelines();
  expect(items[0]?.labels).toEqual(['nightly', 'market']);
});
