import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pauseMs } from '../../server/stream/inspect-channel.ts';
import type { ServiceOptions } from '../../services/orchestrator/service-parts.ts';
import type { InspectionFrame } from '../../wire/inspection.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { disagreements, faultsOf, look, looking, receive } from '../support/inspector.ts';
import { ended, eventually, projectWith, startRequest } from '../support/service.ts';
import { openSlowClient } from '../support/socket.ts';
import { until } from '../support/until.ts';

/** `first` fails once; `held` works until the test lets it go. */
const pipelines = {
  'story.yaml': `
name: story
stages:
  - name: first
    run: [sh, -c, 'test -f "$STAGEWRIGHT_WORKSPACE/again" || { touch "$STAGEWRIGHT_WORKSPACE/again"; exit 3; }']
    retry: { limit: 2, backoff: { initial: 10ms } }
  - { name: held, run: [sh, -c, 'until test -f go; do sleep 0.01; done'] }
`,
  'telling.yaml': `
name: telling
params: { api_token: { type: string, default: none }, text: { type: string, default: "" } }
stages:
  - { name: token-refresh, run: [sh, -c, 'echo "::stagewright {\\"output\\":{\\"password\\":\\"hunter2\\",\\"n\\":1}}"'] }
`,
  'quick.yaml': `
name: quick
params: { text: { type: string, default: "" } }
stages:
  - { name: only, run: ["true"] }
`,
};
let dir: string;
let on: Served;
const serve = async (
  sockets: Parameters<typeof serveHttp>[1] = {},
  parts: NonNullable<Parameters<typeof serveHttp>[0]['parts']> = () => ({}),
  service: Partial<ServiceOptions> = {},
): Promise<void> => {
  on = await serveHttp({ dir, parts, service }, sockets);
};
beforeEach(async () => {
  dir = await projectWith(pipelines);
});
afterEach(async () => {
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

const start = async (pipeline: string, params: Record<string, unknown> = {}): Promise<string> =>
  (await on.orchestrator.start(startRequest(pipeline, { params }))).status.run_id as string;
const isAt = (runId: string, stage: string) =>
  eventually(on.orchestrator, async () => {
    const { stages } = await on.orchestrator.run(runId);
    return stages.find(({ name }) => name === stage)?.state === 'running';
  });
const letGo = () => writeFile(join(dir, 'go'), '');
const get = async (path: string): Promise<unknown> => (await on.ask('GET', path)).json;
const isLast = (frame: InspectionFrame | undefined): boolean =>
  frame?.type === '@xstate.snapshot' && frame.snapshot.status === 'stopped';
const doneIn = (frames: InspectionFrame[]): boolean =>
  frames.some((one) => one.type === '@xstate.snapshot' && one.snapshot.value === 'done');

test('the stock receiver shows a live run from its first step, a late one what is there and then each step, and the same frames when it is over', async () => {
  await serve();
  const early = receive(on.url, '/ws/inspect');
  await looking(on, 1);
  const runId = await start('story');
  await isAt(runId, 'held');
  const late = receive(on.url, '/ws/inspect');
  const whole = receive(on.url, `/ws/inspect/${runId}`);
  await until(() => late.length > 0 && whole.length > 0);
  expect(late[0]).toMatchObject({
    type: '@xstate.actor',
    name: 'story 1',
    sessionId: runId,
    snapshot: { status: 'active', value: { running: { held: 'attempting' } } },
  });
  await letGo();
  expect((await ended(on.orchestrator, runId)).state).toBe('DONE');
  const after = look(on.url, `/ws/inspect/${runId}`);
  expect(await after.closed).toEqual({ code: 1000, reason: 'the run is over' });
  await until(() => doneIn(early) && doneIn(late) && doneIn(whole));
  await until(() => [early, whole].every(({ length }) => length === after.frames.length));

  // One story, whenever and to whomever it is told.
  expect(early).toEqual(after.frames);
  expect(whole).toEqual(after.frames);
  const seqNow = late[0]?.seq;
  const announced = late.filter(({ id }) => id.includes('now'));
  expect(announced.map(({ sessionId }) => sessionId)).toEqual([
    runId,
    expect.stringMatching(`^${runId}/attempt-held@\\d+$`),
  ]);
  expect(late.slice(announced.length)).toEqual(
    after.frames.filter(({ seq }) => seq > Number(seqNow)),
  );
  // The child that was announced is the one that answers.
  expect(after.frames.find(({ seq }) => seq > Number(seqNow))).toMatchObject({
    type: '@xstate.event',
    sourceId: announced[1]?.sessionId,
  });

  for (const frames of [early, late, whole]) expect(faultsOf(frames)).toEqual([]);
  expect(await disagreements(after.frames, get, runId)).toEqual([]);
  // What happened inside the steps is named as the chart names it.
  const microsteps = after.frames.flatMap((one) =>
    one.type === '@xstate.microstep' ? [one.transitions] : [],
  );
  expect(microsteps.flat()).toContainEqual({
    source: 'run.running.first.attempting',
    target: ['run.running.first.backingOff'],
    eventType: 'xstate.error.actor.attempt-first',
    guard: 'canRetry',
    actions: ['sayFailed', 'scheduleRetry', 'sayRetrying'],
    reenter: false,
  });
  // Each attempt is an actor of its own, and every actor that began is over.
  const actors = after.frames.flatMap((one) => (one.type === '@xstate.actor' ? [one] : []));
  expect(actors.map(({ name }) => name)).toEqual([
    'story 1',
    'preflight',
    'attempt-first',
    'attempt-first',
    'attempt-held',
  ]);
  expect(new Set(actors.map(({ sessionId }) => sessionId)).size).toBe(5);
  const ends = after.frames.flatMap((one) =>
    one.type === '@xstate.snapshot' && one.snapshot.status !== 'active' ? [one.sessionId] : [],
  );
  expect(ends.toSorted()).toEqual(actors.map(({ sessionId }) => sessionId).toSorted());
});

test('what stands under a telling key is redacted: parameters, outputs, events and contexts; what is not is shown', async () => {
  await serve();
  const seen = receive(on.url, '/ws/inspect');
  await looking(on, 1);
  const runId = await start('telling', { api_token: 's3cret-0815', text: 'plain' });
  await ended(on.orchestrator, runId);
  await until(() => doneIn(seen));
  const text = JSON.stringify(seen);
  expect(text).not.toMatch(/s3cret-0815|hunter2/);
  expect(seen[1]).toMatchObject({
    event: { type: 'xstate.init', input: { params: { api_token: '[redacted]', text: 'plain' } } },
  });
  expect(text).toContain('"outputs":{"password":"[redacted]","n":1}');
  // A stage may be called so, and is no secret.
  expect(text).toContain('"value":{"running":{"token-refresh":"attempting"}}');
  expect(text).toContain('"policy":{"token-refresh":{"retries":0');
});

test('a run is told alone: another one beside it is not in its frames', async () => {
  await serve();
  const held = await start('story');
  await isAt(held, 'held');
  const alone = receive(on.url, `/ws/inspect/${held}`);
  const all = receive(on.url, '/ws/inspect');
  await looking(on, 2);
  const other = await start('quick');
  await ended(on.orchestrator, other);
  await until(() => doneIn(all));
  await letGo();
  await ended(on.orchestrator, held);
  await until(() => doneIn(alone));
  expect(new Set(alone.map(({ runId }) => runId))).toEqual(new Set([held]));
  expect(
    alone.every(({ rootId, sessionId }) => rootId === held && sessionId.startsWith(held)),
  ).toBe(true);
  expect(new Set(all.map(({ runId }) => runId))).toEqual(new Set([held, other]));
});

test('a refused command is one event with its verdict and reason, and nothing moves', async () => {
  await serve();
  const runId = await start('story');
  await isAt(runId, 'held');
  const actor = { kind: 'user' as const, name: 'ann' };
  const asked = { actor, ifVersion: null, idempotency: null };
  await on.orchestrator
    .command(runId, { command: { type: 'RETRY_NOW' }, ...asked })
    .catch(() => undefined);
  await letGo();
  await ended(on.orchestrator, runId);
  const { frames, closed } = look(on.url, `/ws/inspect/${runId}`);
  await closed;
  const refused = frames.filter((one) => one.type === '@xstate.event' && one.verdict === 'refused');
  expect(refused).toEqual([
    expect.objectContaining({
      event: expect.objectContaining({ type: 'RETRY_NOW' }),
      why: expect.stringContaining('not possible while RUNNING_HELD'),
      cause: { kind: 'command', actor: 'ann' },
    }),
  ]);
  expect(await disagreements(frames, get, runId)).toEqual([]);
});

test('purists ask for what the package knows, and speed plays the same frames', async () => {
  await serve();
  await letGo();
  const runId = await start('story');
  await ended(on.orchestrator, runId);
  const all = look(on.url, `/ws/inspect/${runId}`);
  const pure = look(on.url, `/ws/inspect/${runId}?types=actor,event,snapshot`);
  const fast = look(on.url, `/ws/inspect/${runId}?speed=1000`);
  await Promise.all([all.closed, pure.closed, fast.closed]);
  expect(pure.frames).toEqual(
    all.frames.filter(({ type }) => /^@xstate\.(actor|event|snapshot)$/.test(type)),
  );
  expect(fast.frames).toEqual(all.frames);
});

test.each([
  [3_600_000, null, 0],
  [1000, 10, 100],
  [1000, 1, 1000],
  [100, 0.1, 1000],
  [86_400_000, 10, 3000],
  [-5000, 1, 0],
])(
  'a step %i ms after the one before it, at speed %p, is told %i ms after it',
  (gap, speed, pause) => {
    expect(pauseMs(gap, speed)).toBe(pause);
  },
);

test.each([
  [
    '/ws/inspect/r_00000000000000000000000000',
    4404,
    'there is no run r_00000000000000000000000000',
  ],
  ['/ws/inspect/r_1', 4400, 'the run id is malformed'],
  ['/ws/inspect?speed=2', 4400, 'speed: expected only where one run is looked at'],
  [
    '/ws/inspect/r_00000000000000000000000000?speed=fast',
    4400,
    'speed: expected a number from 0.1 to 1000, times the real pace',
  ],
  [
    '/ws/inspect/r_00000000000000000000000000?speed=0',
    4400,
    'speed: expected a number from 0.1 to 1000, times the real pace',
  ],
  [
    '/ws/inspect?types=actor,ghost',
    4400,
    'types: expected some of actor,event,microstep,action,snapshot',
  ],
  ['/ws/inspect?typse=actor', 4400, expect.stringContaining('typse')],
])('%s is refused with %i and a reason, in no foreign dialect', async (path, code, reason) => {
  await serve();
  const client = look(on.url, path);
  expect(await client.closed).toEqual({ code, reason });
  expect(client.frames).toEqual([]);
});

test('one more inspector than may be is refused and told why; a place that is left is free', async () => {
  await serve({ inspectors: 2 });
  const first = look(on.url, '/ws/inspect');
  const second = look(on.url, '/ws/inspect');
  await looking(on, 2);
  const third = look(on.url, '/ws/inspect');
  expect(await third.closed).toEqual({
    code: 1013,
    reason: '2 inspectors are connected already; close one',
  });
  first.socket.close();
  await looking(on, 1);
  look(on.url, '/ws/inspect');
  await looking(on, 2);
  second.socket.close();
});

test('what an inspector says is ignored', async () => {
  await serve();
  const client = look(on.url, '/ws/inspect');
  await looking(on, 1);
  client.socket.send('ping');
  client.socket.send('{"type":"@xstate.event"}');
  await ended(on.orchestrator, await start('quick'));
  await until(() => doneIn(client.frames));
  expect(faultsOf(client.frames)).toEqual([]);
});

test('who never reads is closed after what may be unread, and costs the service no more', async () => {
  // So seldom that no heartbeat decides it.
  await serve({ unreadBytes: 256 * 1024, heartbeatMs: 3_600_000 });
  const stuck = await openSlowClient(on.url, '/ws/inspect');
  await looking(on, 1);
  stuck.pause();
  // More than the kernel keeps for both ends of a socket.
  const text = 'x'.repeat(500_000);
  for (let index = 0; index < 100; index += 1) {
    await ended(on.orchestrator, await start('quick', { text }));
    if ((await on.ask('GET', '/metrics')).text.includes('stagewright_inspectors 0\n')) break;
  }
  await looking(on, 0);
  expect(stuck.received()).toBeLessThan(1_000_000);
  stuck.destroy();
});

test('a feed that fails is counted and closes who looks; the runs go on, and it can be looked at again', async () => {
  let isBroken = true;
  await serve({}, ({ store }) => ({
    store: {
      ...store,
      ledger: async (runId, of) => {
        if (isBroken) throw new Error('the ledger is torn');
        return store.ledger(runId, of);
      },
    },
  }));
  const runId = await start('story');
  const client = look(on.url, `/ws/inspect/${runId}`);
  expect(await client.closed).toEqual({ code: 1011, reason: 'the feed failed; connect again' });
  expect((await on.ask('GET', '/metrics')).text).toContain(
    'stagewright_inspection_failures_total 1\n',
  );
  await letGo();
  expect((await ended(on.orchestrator, runId)).state).toBe('DONE');
  isBroken = false;
  const again = look(on.url, `/ws/inspect/${runId}`);
  expect((await again.closed).code).toBe(1000);
  expect(isLast(again.frames.at(-1)) || doneIn(again.frames)).toBe(true);
});

test('before the truth is settled nothing is told', async () => {
  on = await serveHttp({ dir, boot: false });
  const client = look(on.url, '/ws/inspect');
  expect((await client.closed).code).toBe(1011);
  await on.service.boot();
});
