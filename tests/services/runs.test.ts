import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../services/host/clock.ts';
import { processesOf } from '../support/processes.ts';
import {
  ended,
  eventually,
  projectWith,
  type Running,
  runService,
  startRequest,
} from '../support/service.ts';

let running: Running;
afterEach(() => running.close());

const begin = async (yaml: string): Promise<string> => {
  running = await runService({ pipelines: { 'p.yaml': yaml } });
  expect((await running.orchestrator.pipelines()).problems).toEqual([]);
  const { status } = await running.orchestrator.start(startRequest('p'));
  return status.run_id as string;
};
const stage = (script: string, more = ''): string =>
  `{ name: work, run: ["bash", "-c", ${JSON.stringify(script)}], grace: 300ms ${more} }`;
const pipeline = (...stages: string[]): string =>
  `name: p\nstages:\n${stages.map((one) => `  - ${one}`).join('\n')}\n`;
const stop = (graceMs: number | null = null) =>
  running.orchestrator.stop('p', {
    reason: 'test',
    graceMs,
    actor: { kind: 'user', name: 'test' },
  });

const lines = async (name: string): Promise<string[]> =>
  (await readFile(join(running.dir, name), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const said = (name: string) =>
  eventually(running.orchestrator, async () => (await lines(name)).length > 0);
const eventsOf = async (runId: string) =>
  (await running.orchestrator.events({ runId, after: 0, limit: 1000 })).items;

test('S12: stop ends three workers and their grandchildren, even one in a session of its own, with one terminal event', async () => {
  // Each says that it is there, so that nobody is looked for before it is.
  const worker = "trap '' TERM; echo up >> up; while true; do sleep 1; done";
  const id = await begin(
    pipeline(
      stage(`for i in 1 2; do bash -c "${worker}" & done; setsid bash -c "${worker}" & wait`),
    ),
  );
  await eventually(running.orchestrator, async () => (await lines('up')).length === 3);
  expect(processesOf(id).length).toBeGreaterThanOrEqual(4);

  expect((await stop()).state).toBe('STOPPING');
  const status = await ended(running.orchestrator, id);

  expect(status.state).toBe('STOPPED');
  expect(processesOf(id)).toEqual([]);
  expect(status.lock).toBeNull();
  const ends = (await eventsOf(id)).filter(
    ({ event, data }) => event === 'state_change' && data.to === 'STOPPED',
  );
  expect(ends).toHaveLength(1);
  expect((await running.orchestrator.runs({ limit: 10 })).items).toHaveLength(1);
});

test('S13: stop during a long backoff is reached at once and no further attempt follows', async () => {
  const id = await begin(
    pipeline(
      stage('echo try >> tries; exit 1', ', retry: { limit: 3, backoff: { initial: 30s } }'),
    ),
  );
  await eventually(
    running.orchestrator,
    async () => (await running.orchestrator.run(id)).state === 'RETRYING',
  );

  const asked = await stop();
  const status = await ended(running.orchestrator, id);

  expect([status.state, status.stages[0]?.state, await lines('tries')]).toEqual([
    'STOPPED',
    'stopped',
    ['try'],
  ]);
  // Within a second; ten times that is still far from the 30 s that were left.
  expect(Date.parse(status.ended_at ?? '') - Date.parse(asked.updated_at ?? '')).toBeLessThan(
    10_000,
  );
});

test('S24: a child that wrote its outputs and never exits is ended at its limit and the run is FAILED timeout', async () => {
  const id = await begin(
    pipeline(
      stage('echo done; echo \'{"ok":true}\' > $STAGEWRIGHT_OUTPUTS; sleep 60', ', timeout: 300ms'),
    ),
  );
  const status = await ended(running.orchestrator, id);
  expect([status.state, status.error?.code, status.stages[0]?.outputs]).toEqual([
    'FAILED',
    'timeout',
    {},
  ]);
  expect(processesOf(id)).toEqual([]);
});

test('S25, T1: an attempt that timed out is dead with its whole group before the next one starts', async () => {
  const script = `
    if [ $STAGEWRIGHT_ATTEMPT = 1 ]; then trap '' TERM; sleep 60 & echo $! > child; echo $$ > leader; while true; do sleep 1; done; fi
    for pid in $(cat child leader); do grep -qs '^State:.*[RSDT] (' /proc/$pid/status && echo alive >> overlap; done; true`;
  const id = await begin(
    pipeline(stage(script, ', timeout: 1500ms, retry: { limit: 1, backoff: { initial: 1ms } }')),
  );
  const status = await ended(running.orchestrator, id);
  expect([status.state, status.stages[0]?.attempt, await lines('overlap')]).toEqual([
    'DONE',
    2,
    [],
  ]);
});

test("S26: each stage's own timeout is applied, and its start event shows it", async () => {
  const slow = (name: string, timeout: string) =>
    `{ name: ${name}, run: ["sleep", "0.4"], grace: 100ms, timeout: ${timeout} }`;
  const id = await begin(pipeline(slow('patient', '5s'), slow('hasty', '100ms')));
  const status = await ended(running.orchestrator, id);
  expect(status.stages.map(({ state }) => state)).toEqual(['succeeded', 'failed']);
  const shown = (await eventsOf(id))
    .filter(({ event }) => event === 'started')
    .map(({ stage: name, data }) => [name, data.timeout_ms]);
  expect(shown).toEqual([
    ['patient', 5000],
    ['hasty', 100],
  ]);
});

test("S28: yesterday's outputs do not satisfy today's check", async () => {
  running = await runService({
    pipelines: { 'p.yaml': pipeline(stage('true', ', files: [ { path: "out/*.txt" } ]')) },
  });
  await mkdir(join(running.dir, 'out'));
  await writeFile(join(running.dir, 'out/result.txt'), 'yesterday');
  const yesterday = new Date('2020-01-01T00:00:00Z');
  await utimes(join(running.dir, 'out/result.txt'), yesterday, yesterday);

  const { status } = await running.orchestrator.start(startRequest('p'));
  const end = await ended(running.orchestrator, status.run_id as string);

  expect([end.state, end.error?.code]).toEqual(['FAILED', 'missing-files']);
  expect(end.error?.message).toContain('0 of at least 1 files out/*.txt');
});

test('a file written by the attempt satisfies the check', async () => {
  const id = await begin(
    pipeline(stage('echo new > result.txt', ', files: [ { path: "result.txt" } ]')),
  );
  expect((await ended(running.orchestrator, id)).state).toBe('DONE');
});

test('S14: a failed run says failed in its event, its status and its history, with exit code and the last lines of stderr', async () => {
  const id = await begin(pipeline(stage('echo why it broke >&2; exit 7')));
  const status = await ended(running.orchestrator, id);
  expect(status).toMatchObject({ state: 'FAILED', canonical: 'error', outcome: 'failed' });
  expect(status.error).toMatchObject({
    code: 'exit-code',
    exit_code: 7,
    stage: 'work',
    attempt: 1,
    stderr_tail: 'why it broke',
  });
  expect(
    (await eventsOf(id)).filter(
      ({ stage: name, event }) => name === 'pipeline' && event === 'failed',
    ),
  ).toHaveLength(1);
  expect((await running.orchestrator.runs({ limit: 1 })).items[0]?.state).toBe('FAILED');
});

test('S14: a run in which every stage had nothing to do says noop', async () => {
  const id = await begin(pipeline(stage(`echo '::stagewright {"skip":"no new files"}'`)));
  const status = await ended(running.orchestrator, id);
  expect([status.state, status.outcome, status.stages[0]?.state, status.stages[0]?.reason]).toEqual(
    ['DONE', 'noop', 'skipped', 'no new files'],
  );
});

test('progress is that of the stage that works: what an earlier one said of its own is gone when the next begins', async () => {
  const says = `echo '::stagewright {"progress":{"done":3,"total":3}}'`;
  const id = await begin(
    pipeline(
      `{ name: one, run: ["bash", "-c", ${JSON.stringify(says)}] }`,
      stage('echo up > up; until [ -e go ]; do sleep 0.02; done'),
    ),
  );
  await said('up');
  expect((await running.orchestrator.run(id)).progress).toBeNull();
  await writeFile(join(running.dir, 'go'), '');
  const patches =
    (await ended(running.orchestrator, id)) &&
    (await eventsOf(id)).map(
      ({ data }) => (data.patch as { progress?: unknown } | undefined)?.progress,
    );
  expect(patches.filter((progress) => progress !== undefined)).toEqual([
    null,
    { done: 3, total: 3 },
    null,
  ]);
});

test('a stage that succeeded in part says so, and so does its run', async () => {
  const id = await begin(
    pipeline(
      stage(`echo '::stagewright {"partial":"NG failed; 5 succeeded"}'`),
      '{ name: two, run: ["true"] }',
    ),
  );
  const status = await ended(running.orchestrator, id);
  expect(status).toMatchObject({
    state: 'DONE',
    canonical: 'done',
    outcome: 'partial',
    why: 'done in part: work: NG failed; 5 succeeded',
  });
  expect(status.stages).toMatchObject([
    { state: 'succeeded', reason: 'NG failed; 5 succeeded' },
    { state: 'succeeded', reason: null },
  ]);
});

test('S42: run_seq is gapless, ids are unique, and each attempt has one start and one end', async () => {
  const id = await begin(
    pipeline(
      stage('test $STAGEWRIGHT_ATTEMPT = 3', ', retry: { limit: 2, backoff: { initial: 1ms } }'),
    ),
  );
  await ended(running.orchestrator, id);
  const events = await eventsOf(id);
  expect(events.map(({ run_seq }) => run_seq)).toEqual(events.map((_, index) => index + 1));
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  const marks = events
    .filter(({ attempt, event }) => attempt !== undefined && event !== 'retrying')
    .map(({ attempt, event }) => `${attempt} ${event}`);
  expect(marks).toEqual([
    '1 started',
    '1 failed',
    '2 started',
    '2 failed',
    '3 started',
    '3 succeeded',
  ]);
});

test('the last progress of an attempt is one event and stays in the status; a malformed line is one warning', async () => {
  const say = (json: string) => `echo '::stagewright ${json}'`;
  const script = [
    say('{"progress":{"done":1,"total":3,"unit":"files"}}'),
    say('{"progress":{"done":3,"total":3,"unit":"files"}}'),
    say('{oops'),
  ].join('; ');
  const id = await begin(pipeline(stage(script)));
  const status = await ended(running.orchestrator, id);
  expect(status.progress).toEqual({ done: 3, total: 3, unit: 'files' });
  const said = (await eventsOf(id)).filter(
    ({ event }) => event === 'progress' || event === 'warning',
  );
  expect(said.map(({ event, attempt, msg }) => [event, attempt, msg])).toEqual([
    ['warning', 1, expect.stringContaining('is not JSON')],
    ['progress', 1, '3 of 3 files'],
  ]);
});

test('an exit code in never_on is not tried again', async () => {
  const id = await begin(
    pipeline(
      stage(
        'echo try >> tries; exit 2',
        ', retry: { limit: 3, backoff: { initial: 1ms }, never_on: { exit_codes: [2] } }',
      ),
    ),
  );
  expect([(await ended(running.orchestrator, id)).state, await lines('tries')]).toEqual([
    'FAILED',
    ['try'],
  ]);
});

test('a silent stage is ended by its heartbeat, one that speaks is not', async () => {
  const talk = 'for i in 1 2 3 4 5 6 7; do echo beat; sleep 0.4; done';
  const first = `{ name: speaks, run: ["bash", "-c", "${talk}"], heartbeat: 2s }`;
  const id = await begin(pipeline(first, stage('sleep 60', ', heartbeat: 400ms')));
  const status = await ended(running.orchestrator, id);
  expect(status.stages.map(({ state }) => state)).toEqual(['succeeded', 'failed']);
  expect(status.error).toMatchObject({ code: 'heartbeat', stage: 'work' });
});

test('the run timeout ends whatever works and says so', async () => {
  running = await runService({
    pipelines: { 'p.yaml': `timeout: 300ms\n${pipeline(stage('sleep 60'))}` },
  });
  const { status } = await running.orchestrator.start(startRequest('p'));
  const end = await ended(running.orchestrator, status.run_id as string);
  expect([end.state, end.error?.code, end.stages[0]?.state]).toEqual([
    'FAILED',
    'run-timeout',
    'failed',
  ]);
});

test('outputs reach the next stage with their type, and a value that is missing fails the stage by name', async () => {
  const first = `{ name: one, run: ["bash", "-c", ${JSON.stringify(`echo '::stagewright {"output":{"n":42,"list":[1,2]}}'`)}] }`;
  const second = `{ name: two, run: ["bash", "-c", "echo $0 > got", "\${stages.one.outputs.n}"] }`;
  const third = `{ name: three, run: ["echo", "\${stages.one.outputs.nothing}"] }`;
  const id = await begin(pipeline(first, second, third));
  const status = await ended(running.orchestrator, id);
  expect(await lines('got')).toEqual(['42']);
  expect([status.state, status.error?.code, status.error?.stage]).toEqual([
    'FAILED',
    'missing-value',
    'three',
  ]);
  expect(status.error?.message).toContain('stages.one.outputs.nothing');
});

test('a program that is not on the PATH fails before the first stage and names it', async () => {
  const id = await begin(
    pipeline('{ name: one, run: ["touch", "ran"] }', '{ name: two, run: ["no-such-program"] }'),
  );
  const status = await ended(running.orchestrator, id);
  expect([status.state, status.error?.code, status.error?.stage]).toEqual([
    'FAILED',
    'command-not-found',
    'two',
  ]);
  expect(status.stages[0]?.attempt).toBe(0);
});

test('shutdown ends what works, keeps the run, and the next service finishes it without doing finished stages again', async () => {
  const script = 'echo $STAGEWRIGHT_ATTEMPT >> tries; test -e go || sleep 60';
  const dir = await projectWith({
    'p.yaml': pipeline('{ name: one, run: ["bash", "-c", "echo once >> first"] }', stage(script)),
  });
  running = await runService({ dir });
  const { status } = await running.orchestrator.start(startRequest('p'));
  const id = status.run_id as string;
  await said('tries');
  await running.close();
  expect(processesOf(id)).toEqual([]);

  await writeFile(join(dir, 'go'), '');
  running = await runService({ dir });
  const end = await ended(running.orchestrator, id);

  expect([end.state, await lines('first'), await lines('tries')]).toEqual([
    'DONE',
    ['once'],
    ['1', '2'],
  ]);
  // An interruption is nobody's failure: it is no retry and takes none away.
  expect([end.retry_count, end.stages[1]?.max_attempts]).toEqual([0, 2]);
  await running.close();
  await rm(dir, { recursive: true });
});

test('a single stage takes what it needs from the latest DONE run, and says missing-input when there is none', async () => {
  const first = `{ name: one, run: ["bash", "-c", ${JSON.stringify(`echo '::stagewright {"output":{"n":42}}'`)}] }`;
  const second = `{ name: two, run: ["bash", "-c", "echo $0 >> got", "\${stages.one.outputs.n}"] }`;
  running = await runService({ pipelines: { 'p.yaml': pipeline(first, second) } });
  const { orchestrator } = running;
  await expect(orchestrator.start(startRequest('p', { onlyStage: 'two' }))).rejects.toMatchObject({
    code: 'missing-input',
  });
  const whole = await orchestrator.start(startRequest('p'));
  await ended(orchestrator, whole.status.run_id as string);
  const single = await orchestrator.start(startRequest('p', { onlyStage: 'two' }));
  const status = await ended(orchestrator, single.status.run_id as string);
  expect([status.state, status.only_stage, status.metadata, await lines('got')]).toEqual([
    'DONE',
    'two',
    { inputs_from: whole.status.run_id },
    ['42', '42'],
  ]);
});

test('REL-11: while the launcher hangs, `why` says that the stage is being started, and that it works once it does', async () => {
  let launcher = 0;
  running = await runService({
    pipelines: { 'p.yaml': pipeline(stage('echo up > up; until [ -e go ]; do sleep 0.02; done')) },
    parts: (real) => {
      launcher = real.launcher.pid() as number;
      // Five seconds are a tenth of one.
      const after: Clock['after'] = (ms, call) => real.clock.after(ms / 50, call);
      return { clock: { ...real.clock, after } };
    },
  });
  const { orchestrator } = running;
  process.kill(launcher, 'SIGSTOP');
  const { status } = await orchestrator.start(startRequest('p'));
  const id = status.run_id as string;
  const saying = (words: RegExp) =>
    eventually(orchestrator, async () => {
      const now = await orchestrator.run(id);
      return words.test(now.why) && now;
    });
  const waiting = await saying(/is being started, attempt 1 of 1/);
  expect([waiting.state, await lines('up')]).toEqual(['RUNNING_WORK', []]);
  process.kill(launcher, 'SIGCONT');
  await saying(/^(?!.*is being started)/);
  await said('up');
  // Who follows the events knows the same, at the same version.
  const changes = (await eventsOf(id)).filter(({ event, data }) => {
    const { version, patch } = data as { version: number; patch?: { why?: string } };
    return event === 'why_change' && version === waiting.version && patch?.why !== undefined;
  });
  expect(changes.map(({ data }) => (data.patch as { why: string }).why)).toEqual([
    waiting.why,
    (await orchestrator.run(id)).why,
  ]);
  await writeFile(join(running.dir, 'go'), '');
  expect((await ended(orchestrator, id)).state).toBe('DONE');
});

test('a shutdown whose time is up kills who is left, whatever grace they have, and waits for nobody', async () => {
  running = await runService({
    pipelines: {
      'p.yaml':
        'name: p\nstages:\n  - { name: work, grace: 1h, run: ["bash", "-c", "trap \'\' TERM; echo up > up; while true; do sleep 0.02; done"] }\n',
    },
    service: { shutdownTimeoutMs: 100 },
    // As on a machine that is too busy to get anywhere within that time.
    parts: ({ processes }) => ({
      processes: {
        ...processes,
        end: (identity, token, graceMs, signal) =>
          graceMs === 0
            ? processes.end(identity, token, graceMs, signal)
            : new Promise((_, reject) => {
                signal.addEventListener('abort', () => reject(signal.reason));
              }),
      },
    }),
  });
  const { status } = await running.orchestrator.start(startRequest('p'));
  await said('up');
  await running.close();
  expect(processesOf(status.run_id as string)).toEqual([]);
});
