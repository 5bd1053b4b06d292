import { availableParallelism } from 'node:os';
import { processesOf } from '../support/processes.ts';
import { type Hostile, node, serveStages, sh } from './kit.ts';

const cores = availableParallelism();
const burn = (count: number): string =>
  `i=0; while [ $i -lt ${count} ]; do while :; do :; done & i=$((i+1)); done; echo burning; wait`;

let on: Hostile;
afterEach(() => on.close());

test('S62: an endless loop that ignores every signal is killed at its timeout, tried again, FAILED, and its lock is free', async () => {
  on = await serveStages({
    loop: sh('trap "" TERM INT HUP; while :; do :; done', {
      timeout: '400ms',
      retry: { limit: 1, backoff: { initial: '1ms' } },
    }),
  });
  const id = await on.begin('loop');
  const run = await on.ended(id);
  expect(run).toMatchObject({
    state: 'FAILED',
    attempt: 2,
    error: { code: 'timeout', stage: 'work' },
  });
  const ends = (await on.eventsOf(id)).filter(
    (event: { event: string; stage: string }) => event.event === 'failed' && event.stage === 'work',
  );
  expect(
    ends.map(({ attempt, data }: { attempt: number; data: { error: { code: string } } }) => [
      attempt,
      data.error.code,
    ]),
  ).toEqual([
    [1, 'timeout'],
    [2, 'timeout'],
  ]);
  await on.ended(await on.begin('loop'));
});

test('grandchildren that fled into sessions of their own, one after another, are gone when the stage has ended by itself', async () => {
  const flee = 'trap "" TERM; [ -e halt ] || setsid sh flee.sh &';
  on = await serveStages({
    flees: sh(
      `echo '${flee}' > flee.sh; for n in 1 2 3; do setsid sleep 60 & done; setsid sh flee.sh; sleep 0.2; echo gone`,
    ),
  });
  expect(await on.ended(await on.begin('flees'))).toMatchObject({
    state: 'DONE',
    outcome: 'success',
  });
});

test('a stage that closes its streams works on unheard, and its exit and outputs count', async () => {
  on = await serveStages({
    closes: sh(`exec >&- 2>&-; sleep 0.6; echo '{"rows":7}' > "$STAGEWRIGHT_OUTPUTS"`),
    silent: sh('echo closing; exec >&- 2>&-; sleep 60', { heartbeat: '400ms' }),
  });
  const closes = on.begin('closes');
  const silent = on.begin('silent');
  expect((await on.ended(await closes)).stages[0]).toMatchObject({
    state: 'succeeded',
    outputs: { rows: 7 },
  });
  expect(await on.ended(await silent)).toMatchObject({
    state: 'FAILED',
    error: { code: 'heartbeat' },
  });
});

test('20 MB within a second are kept to the last byte while the status answers, and the line that counts is heard', async () => {
  on = await serveStages({
    loud: sh(
      `yes 'a line of ordinary output' | head -c 20000000; echo; echo '::stagewright {"metric":{"rows":5}}'`,
    ),
  });
  const id = await on.begin('loud');
  expect((await on.ended(id)).stages[0]).toMatchObject({
    state: 'succeeded',
    metrics: { rows: 5 },
  });
  const { headers, text } = await on.get(`/api/runs/${id}/logs/work/1?tail=100`);
  expect(Number(headers['x-total-bytes'])).toBe(
    20_000_001 + '::stagewright {"metric":{"rows":5}}\n'.length,
  );
  expect(text.trimEnd().split('\n').at(-1)).toBe('::stagewright {"metric":{"rows":5}}');
});

test('a line of 6 MB is log like any other; as a word to the service it is one warning; neither costs the next line', async () => {
  const script = `
    process.stdout.write('x'.repeat(6e6) + '\\n');
    process.stdout.write('::stagewright {"output":{"big":"' + 'y'.repeat(6e6) + '"}}\\n');
    process.stdout.write('::stagewright {"output":{"small":1}}');`;
  on = await serveStages({ long: node(script) });
  const id = await on.begin('long');
  expect((await on.ended(id)).stages[0]).toMatchObject({
    state: 'succeeded',
    outputs: { small: 1 },
  });
  const warnings = (await on.eventsOf(id)).filter(
    ({ event }: { event: string }) => event === 'warning',
  );
  expect(warnings.map(({ msg }: { msg: string }) => msg)).toEqual([
    expect.stringContaining('longer than 64 kB'),
  ]);
  const { headers, text } = await on.get(`/api/runs/${id}/logs/work/1?from_line=3&lines=10`);
  expect([headers['x-total-lines'], text]).toEqual(['3', '::stagewright {"output":{"small":1}}']);
});

test('bytes that are no UTF-8 break no answer: not in the log, not in the failure, not in a word to the service', async () => {
  const bad = '\\377\\376 caf\\303';
  on = await serveStages({
    garbled: sh(
      `printf '::stagewright {"progress":{"done":1,"note":"${bad}"}}\\n${bad}\\n'; printf 'broke at ${bad}' >&2; exit 1`,
    ),
  });
  const id = await on.begin('garbled');
  expect(await on.ended(id)).toMatchObject({
    state: 'FAILED',
    error: { code: 'exit-code', exit_code: 1, stderr_tail: 'broke at \ufffd\ufffd caf\ufffd' },
    progress: { done: 1, note: '\ufffd\ufffd caf\ufffd' },
  });
  const { headers } = await on.get(`/api/runs/${id}/logs/work/1?stream=stderr`);
  expect(headers['x-total-bytes']).toBe(String('broke at '.length + 7));
  expect(await on.eventsOf(id)).toContainEqual(
    expect.objectContaining({ event: 'progress', attempt: 1 }),
  );
});

test('a stage that never ends its last line is heard to its last word', async () => {
  on = await serveStages({
    torn: sh(
      `printf 'half a line'; printf '::stagewright {"fail":{"code":"bad-input","message":"row 7"}}' >&2`,
    ),
  });
  const id = await on.begin('torn');
  expect((await on.ended(id)).error).toMatchObject({ code: 'bad-input', message: 'row 7' });
  expect((await on.get(`/api/runs/${id}/logs/work/1`)).text).toBe('half a line');
});

test('stages that exit within a millisecond have one start and one end each, and nothing of them is left', async () => {
  on = await serveStages({ flash: { run: ['/bin/true'] } });
  for (let number = 1; number <= 10; number += 1) {
    const id = await on.begin('flash');
    expect(await on.ended(id)).toMatchObject({ number, state: 'DONE' });
    const marks = (await on.eventsOf(id)).filter(
      ({ attempt }: { attempt?: number }) => attempt !== undefined,
    );
    expect(marks.map(({ event }: { event: string }) => event)).toEqual(['started', 'succeeded']);
  }
});

test('S60: with every core burning, status and stop answer, and a stage that speaks in time is not taken for silent', async () => {
  on = await serveStages({
    burns: sh(burn(2 * cores)),
    speaks: sh('n=0; while [ $n -lt 10 ]; do echo beat; sleep 0.1; n=$((n+1)); done', {
      heartbeat: '2s',
    }),
  });
  const id = await on.begin('burns');
  await on.said(id, 'burning');
  expect(await on.ended(await on.begin('speaks'))).toMatchObject({ state: 'DONE' });
  expect((await on.get(`/api/runs/${id}`)).json.state).toBe('RUNNING_WORK');
  expect(processesOf(id).length).toBeGreaterThanOrEqual(2 * cores);
  const { status, json } = await on.ask('POST', '/api/pipeline/stop?pipeline=burns', {
    body: '{}',
  });
  expect([status, json.state]).toEqual([202, 'STOPPING']);
  expect(await on.ended(id)).toMatchObject({ state: 'STOPPED' });
});
