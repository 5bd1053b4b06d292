import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../machines/commands.ts';
import type { Status } from '../../wire/status.ts';
import { processesOf } from '../support/processes.ts';
import { ended, eventually, type Running, runService, startRequest } from '../support/service.ts';

// Stages beside each other, as real processes.
let running: Running;
afterEach(() => running.close());

const begin = async (yaml: string): Promise<string> => {
  running = await runService({ pipelines: { 'p.yaml': yaml } });
  expect((await running.orchestrator.pipelines()).problems).toEqual([]);
  const { status } = await running.orchestrator.start(startRequest('p'));
  return status.run_id as string;
};
const stage = (name: string, script: string, more = ''): string =>
  `{ name: ${name}, run: ["bash", "-c", ${JSON.stringify(script)}], grace: 300ms${more} }`;
const beside = (more: string, ...stages: string[]): string =>
  `  - name: both\n${more}    parallel:\n${stages.map((one) => `      - ${one}`).join('\n')}\n`;
const pipeline = (...steps: string[]): string => `name: p\nstages:\n${steps.join('')}`;
const last = '  - { name: last, run: ["bash", "-c", "echo done >> last.log"] }\n';

const lines = async (name: string): Promise<string[]> =>
  (await readFile(join(running.dir, name), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const letGo = (name: string) => writeFile(join(running.dir, name), '');
const are = (id: string, holds: (status: Status) => boolean) =>
  eventually(running.orchestrator, async () => {
    const now = await running.orchestrator.run(id);
    return holds(now) && now;
  });
const said = (name: string, count = 1) =>
  eventually(running.orchestrator, async () => (await lines(name)).length >= count);
const eventsOf = async (runId: string) =>
  (await running.orchestrator.events({ runId, after: 0, limit: 1000 })).items;
const give = (id: string, command: Command) =>
  running.orchestrator.command(id, {
    command,
    actor: { kind: 'user', name: 'test' },
    ifVersion: null,
    idempotency: null,
  });
const stop = () =>
  running.orchestrator.stop('p', {
    reason: 'test',
    graceMs: null,
    actor: { kind: 'user', name: 'test' },
  });
const statesOf = ({ stages }: Status) => stages.map(({ state }) => state);
/** Says that it is there, and works until the file lies there. */
const until = (file: string, then = 'true', name = file): string =>
  `echo $STAGEWRIGHT_ATTEMPT >> ${name}.log; until [ -e ${file} ]; do sleep 0.02; done; ${then}`;

test('two stages of a group work at the same time: each waits for what the other one writes', async () => {
  const id = await begin(
    pipeline(
      beside(
        '',
        stage('left', 'touch a; until [ -e b ]; do sleep 0.02; done'),
        stage('right', 'touch b; until [ -e a ]; do sleep 0.02; done'),
      ),
      last,
    ),
  );
  const end = await ended(running.orchestrator, id);
  expect([end.state, end.outcome, statesOf(end)]).toEqual([
    'DONE',
    'success',
    ['succeeded', 'succeeded', 'succeeded'],
  ]);
  expect(end.stages.map(({ group }) => group)).toEqual(['both', 'both', undefined]);
  expect(await lines('last.log')).toEqual(['done']);
  expect(processesOf(id)).toEqual([]);
});

test('in a group a stage that is skipped and one that may fail are over as any other, and then hooks run', async () => {
  const id = await begin(
    `${pipeline(
      beside(
        '',
        stage('gated', 'echo ran >> gated.log', ', when: { equals: [1, 2] }'),
        stage('advice', 'exit 3', ', allow_failure: true'),
        stage('work', until('go')),
      ),
      last,
    )}on_failure:\n  - { name: tell, script: "echo tell >> hooks.log" }\nfinally:\n  - { name: clean, script: "echo clean >> hooks.log" }\n`,
  );
  const now = await are(id, ({ stages }) => stages[1]?.state === 'failed');
  expect([now.state, now.stage]).toEqual(['RUNNING_BOTH', 'both']);
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect([end.state, end.outcome, end.error]).toEqual(['DONE', 'partial', null]);
  expect(end.stages).toMatchObject([
    { name: 'gated', group: 'both', state: 'skipped', attempt: 0, reason: '1, not 2' },
    { name: 'advice', group: 'both', state: 'failed', attempt: 1 },
    { name: 'work', group: 'both', state: 'succeeded' },
    { name: 'last', state: 'succeeded' },
    { name: 'tell', role: 'hook', state: 'pending' },
    { name: 'clean', role: 'finally', state: 'succeeded' },
  ]);
  expect([await lines('gated.log'), await lines('last.log'), await lines('hooks.log')]).toEqual([
    [],
    ['done'],
    ['clean'],
  ]);
  expect(processesOf(id)).toEqual([]);
});

test('a group that is the last step and fails leads to the hooks, which are told of its first failure', async () => {
  const id = await begin(
    `${pipeline(
      beside('', stage('left', 'exit 3'), stage('right', until('go'))),
    )}on_failure:\n  - { name: tell, script: 'echo "$STAGEWRIGHT_FAILED_STAGE $STAGEWRIGHT_ERROR_CODE" >> hooks.log' }\n`,
  );
  await are(id, ({ stages }) => stages[0]?.state === 'failed');
  expect(await lines('hooks.log')).toEqual([]);
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect([end.state, end.stage, end.error?.stage]).toEqual(['FAILED', 'both', 'left']);
  expect(await lines('hooks.log')).toEqual(['left exit-code']);
});

test('with fail_fast a failure ends the others, also one that ignores SIGTERM, and only then is the run FAILED', async () => {
  const id = await begin(
    pipeline(
      beside(
        '    fail_fast: true\n',
        stage('left', "trap '' TERM; echo up >> left.log; while true; do sleep 0.05; done"),
        stage('right', 'until [ -s left.log ]; do sleep 0.02; done; exit 7'),
      ),
      last,
    ),
  );
  const end = await ended(running.orchestrator, id);
  expect(end).toMatchObject({
    state: 'FAILED',
    error: { stage: 'right', exit_code: 7 },
    lock: null,
    stages: [{ state: 'stopped' }, { state: 'failed' }, { state: 'pending' }],
  });
  expect(processesOf(id)).toEqual([]);
  expect((await eventsOf(id)).filter(({ stage: name }) => name === 'left')).toMatchObject([
    { event: 'started' },
    { event: 'stopped', attempt: 1 },
  ]);
});

test('without fail_fast the others work to their end, then the run is FAILED with the first failure', async () => {
  const id = await begin(
    pipeline(
      beside('', stage('left', until('go', 'echo done >> left.end')), stage('right', 'exit 7')),
      last,
    ),
  );
  const half = await are(id, (now) => now.stages[1]?.state === 'failed');
  expect([half.state, half.stages[0]?.state, half.error]).toEqual([
    'RUNNING_BOTH',
    'running',
    null,
  ]);
  expect(half.why).toMatch(/^left is running.*; right failed: /);
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect([end.state, end.error?.stage, statesOf(end)]).toEqual([
    'FAILED',
    'right',
    ['succeeded', 'failed', 'pending'],
  ]);
  expect(await lines('left.end')).toEqual(['done']);

  const { status: retried } = await give(id, { type: 'RETRY_FROM', definition: 'pinned' });
  const again = await ended(running.orchestrator, retried.run_id as string);
  // What is done beside it is not done again.
  expect([again.state, statesOf(again)]).toEqual(['FAILED', ['reused', 'failed', 'pending']]);
  expect(await lines('left.end')).toEqual(['done']);
});

test('S12: stop ends all of them, also one that ignores SIGTERM, and STOPPED comes when nobody is left', async () => {
  const id = await begin(
    pipeline(
      beside(
        '',
        stage('left', "trap '' TERM; echo up >> left.log; while true; do sleep 0.05; done"),
        stage('right', until('go')),
      ),
      last,
    ),
  );
  await said('left.log');
  await said('go.log');
  expect((await stop()).state).toBe('STOPPING');
  const end = await ended(running.orchestrator, id);
  expect([end.state, statesOf(end), end.lock]).toEqual([
    'STOPPED',
    ['stopped', 'stopped', 'pending'],
    null,
  ]);
  expect(processesOf(id)).toEqual([]);
});

test('part 4: SKIP_STAGE has to name one of several, and ends that one alone', async () => {
  const id = await begin(
    pipeline(beside('', stage('left', until('go')), stage('right', until('never'))), last),
  );
  await said('go.log');
  await said('never.log');
  await expect(give(id, { type: 'SKIP_STAGE' })).rejects.toMatchObject({
    code: 'stage-needed',
    status: 409,
    extra: { stages: ['left', 'right'] },
  });
  await give(id, { type: 'SKIP_STAGE', stage: 'right', reason: 'not today' });
  const half = await are(id, (now) => now.stages[1]?.state === 'skipped');
  expect(half.stages[0]).toMatchObject({ state: 'running', attempt: 1 });
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect([end.state, statesOf(end)]).toEqual(['DONE', ['succeeded', 'skipped', 'succeeded']]);
  expect(await lines('go.log')).toEqual(['1']);
});

test('RETRY_NOW of one stage leaves the others alone; one that waits beside work is shown as such', async () => {
  const retry = ', retry: { limit: 1, backoff: { initial: 1h } }';
  const broken = 'echo $STAGEWRIGHT_ATTEMPT >> left.log; [ $STAGEWRIGHT_ATTEMPT = 2 ]';
  const id = await begin(
    pipeline(beside('', stage('left', broken, retry), stage('right', until('go'))), last),
  );
  const half = await are(id, (now) => now.stages[0]?.state === 'retrying');
  expect(half.state).toBe('RUNNING_BOTH');
  expect(half.allowed).toContain('RETRY_NOW');
  await give(id, { type: 'RETRY_NOW', stage: 'left' });
  await are(id, (now) => now.stages[0]?.state === 'succeeded');
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect([end.state, await lines('left.log'), await lines('go.log')]).toEqual([
    'DONE',
    ['1', '2'],
    ['1'],
  ]);
});

test('Q9: a pause lets what works beside each other end, and holds what follows', async () => {
  const id = await begin(
    pipeline(beside('', stage('left', until('a')), stage('right', until('b'))), last),
  );
  await said('a.log');
  await said('b.log');
  await give(id, { type: 'PAUSE' });
  await letGo('a');
  const half = await are(id, (now) => now.stages[0]?.state === 'succeeded');
  expect([half.state, half.pause_requested]).toEqual(['RUNNING_BOTH', true]);
  await letGo('b');
  const held = await are(id, ({ state }) => state === 'PAUSED');
  expect([held.why, await lines('last.log')]).toEqual([
    expect.stringMatching(/^paused before last by /),
    [],
  ]);
  await give(id, { type: 'RESUME' });
  expect((await ended(running.orchestrator, id)).state).toBe('DONE');
});

test('a timeout of one ends that one; its retry and its beside go on', async () => {
  const retry = ', timeout: 1s, retry: { limit: 1, backoff: { initial: 10ms } }';
  const slow = `echo $STAGEWRIGHT_ATTEMPT >> left.log; if [ $STAGEWRIGHT_ATTEMPT = 1 ]; then sleep 600; fi`;
  const id = await begin(
    pipeline(beside('', stage('left', slow, retry), stage('right', until('go'))), last),
  );
  await said('left.log', 2);
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect([end.state, end.stages.map(({ attempt }) => attempt)]).toEqual(['DONE', [2, 1, 1]]);
  expect(processesOf(id)).toEqual([]);
});

test('what each of several says of its progress is shown with its stage', async () => {
  const saying = (name: string, done: number) =>
    until('go', 'true', name).replace(
      'until',
      `echo '::stagewright {"progress":{"done":${done},"total":9}}'; until`,
    );
  const id = await begin(
    pipeline(beside('', stage('left', saying('l', 3)), stage('right', saying('r', 5))), last),
  );
  const half = await are(
    id,
    ({ stages }) => stages[0]?.progress?.done === 3 && stages[1]?.progress?.done === 5,
  );
  expect(half.progress).toBeNull();
  await letGo('go');
  const end = await ended(running.orchestrator, id);
  expect(end.stages.map(({ progress }) => progress)).toEqual([null, null, undefined]);
});

test('two groups of twelve beside each other: each stage is done once, none before its group', async () => {
  const wide = (name: string): string =>
    `  - name: ${name}\n    parallel:\n${Array.from(
      { length: 12 },
      (_, at) =>
        `      - { name: ${name}-${at}, run: ["bash", "-c", "echo ${name} >> all.log; exit $(( STAGEWRIGHT_ATTEMPT < 1 + ${at} % 2 ))"], retry: { limit: 1, backoff: { initial: 1ms } } }`,
    ).join('\n')}\n`;
  const id = await begin(pipeline(wide('one'), wide('two')));
  const end = await ended(running.orchestrator, id);
  expect(end.state).toBe('DONE');
  expect(end.stages.map(({ attempt }) => attempt)).toEqual(
    Array.from({ length: 24 }, (_, at) => 1 + (at % 2)),
  );
  const order = await lines('all.log');
  expect(order).toEqual([...Array(18).fill('one'), ...Array(18).fill('two')]);
  const facts = await eventsOf(id);
  expect(facts.map(({ run_seq }) => run_seq)).toEqual(facts.map((_, index) => index + 1));
  expect(processesOf(id)).toEqual([]);
});
