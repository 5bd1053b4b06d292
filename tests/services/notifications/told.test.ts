import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ended,
  eventually,
  type Running,
  runService,
  startRequest,
} from '../../support/service.ts';
import { hook, settingsOf } from './outbox-kit.ts';
import { type Receiver, receiver } from './receiver.ts';

// Fails until the file `mended` is there; says the secret on its way.
const yaml = (more = '') =>
  `name: p\ntitle: Prices\n${more}\nsecrets: [TOKEN]\nstages:\n  - { name: work, run: ["bash", "-c", "echo first >&2; echo token $TOKEN >&2; [ -e mended ]"], retry: { limit: 0 } }\n`;
const token = 'tok-0123456789';
let to: Receiver;
let on: Running;
beforeEach(async () => {
  to = await receiver();
});
afterEach(async () => {
  await on?.close();
  await to.close();
});

const open = async (notify: object[], more: { yaml?: string; file?: object } = {}) => {
  const file = { channels: { ops: hook(`${to.url}/hook`) }, notify, ...more.file };
  const settings = settingsOf({ public_url: 'https://runs.example.org/', ...file });
  on = await runService({
    pipelines: { 'p.yaml': more.yaml ?? yaml() },
    env: { TOKEN: token },
    service: { notify: { settings, reread: () => settings } },
  });
};
const run = async (): Promise<string> => {
  const { status } = await on.orchestrator.start(startRequest('p'));
  return (await ended(on.orchestrator, status.run_id as string)).state;
};
const mend = () => writeFile(join(on.dir, 'mended'), '');
const told = (count: number) =>
  eventually(on.orchestrator, async () => to.got.length >= count && to.got);
const causes = async () =>
  (await on.store.messages({ limit: 100 })).items.map(({ cause }) => cause).reverse();

test('a run that fails is told with what failed, its last words without the secret, and the way back', async () => {
  await open([{ on: ['failed', 'recovered'], to: ['ops'] }]);
  expect(await run()).toBe('FAILED');
  const [got] = await told(1);
  const { data } = got?.json ?? {};
  expect(data).toMatchObject({
    cause: 'failed',
    pipeline: 'p',
    number: 1,
    stage: 'work',
    code: 'exit-code',
    subject: 'p failed: work (exit-code)',
    not_again: 'the stage has no retries',
    failures: 1,
    last_success: null,
    command: `stagewright retry ${data.run_id}`,
    link: `https://runs.example.org/runs/${data.run_id}?stage=work&attempt=1&stream=stderr`,
  });
  expect(data.stderr_tail).toContain('first');
  expect(got?.body).not.toContain(token);
  expect(got?.path).toBe('/hook');
});

test('after: 3 tells the third failure in a row; a success is told only where a failure was', async () => {
  await open([{ on: ['failed', 'recovered'], to: ['ops'], after: 3 }]);
  await run();
  await run();
  await mend();
  await run();
  expect(await causes()).toEqual([]);
  await rm(join(on.dir, 'mended'));
  await run();
  await run();
  await run();
  expect(await causes()).toEqual(['failed']);
  await mend();
  await run();
  await run();
  expect(await causes()).toEqual(['failed', 'recovered']);
  const [failed, recovered] = await told(2);
  expect(failed?.json.data).toMatchObject({ failures: 3, number: 6, last_success: { number: 3 } });
  expect(recovered?.json.data.text).toContain('after 3 failed runs in a row');
  expect(recovered?.json.data.since).toBe(failed?.json.data.since);
});

test('rules of the service and of the file add up, and a channel hears of one cause once', async () => {
  await open([{ on: ['failed'], to: ['ops'] }], {
    yaml: yaml('notify: [{ on: [failed], to: [ops, own], after: 2 }]'),
    file: { channels: { ops: hook(`${to.url}/ops`), own: hook(`${to.url}/own`) } },
  });
  await run();
  await run();
  const rows = (await on.store.messages({ limit: 100 })).items.reverse();
  expect(rows.map(({ channel }) => channel)).toEqual(['ops', 'ops', 'own']);
});

test('notify: [] in a file switches the rules of the service off for it', async () => {
  await open([{ on: ['failed'], to: ['ops'] }], { yaml: yaml('notify: []') });
  await run();
  expect(await causes()).toEqual([]);
  expect((await on.orchestrator.channels()).silent).toEqual(['p']);
});

test('a ping is sent when a named pipeline succeeds, and at no other time', async () => {
  await open([], {
    file: {
      channels: {
        alive: { ping: { url: `${to.url}/uuid`, pipelines: ['p'], allow_private: true } },
        other: { ping: { url: `${to.url}/other`, pipelines: ['q'], allow_private: true } },
      },
    },
  });
  await run();
  expect(await causes()).toEqual([]);
  await mend();
  await run();
  const [got] = await told(1);
  expect([got?.method, got?.path, got?.body]).toEqual(['GET', '/uuid', '']);
  expect(to.got).toHaveLength(1);
});

test('the policy that pauses runs is told, with the command that lets them go on', async () => {
  await open([{ on: ['blocked'], to: ['ops'] }], {
    yaml: yaml('on_failures: { pause_after: 1 }'),
  });
  await run();
  const [got] = await told(1);
  expect(got?.json.data).toMatchObject({
    cause: 'blocked',
    command: 'stagewright acknowledge p --reason "what was done"',
  });
});

test('a script gets the message as JSON on stdin', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stagewright-paged-'));
  const paging = ['bash', '-c', 'cat > "$0.tmp"; mv "$0.tmp" "$0"', join(folder, 'paged')];
  await open([{ on: ['failed'], to: ['pager'] }], {
    file: { channels: { pager: { digest: '0s', run: paging } } },
  });
  await run();
  const text = await eventually(on.orchestrator, () =>
    readFile(join(folder, 'paged'), 'utf8').catch(() => null),
  );
  expect(JSON.parse(text)).toMatchObject({ type: 'failed', data: { pipeline: 'p' } });
  await rm(folder, { recursive: true });
});

test('a run that works too long is told as late, and goes on', async () => {
  await open([{ on: ['late', 'recovered'], to: ['ops'] }], {
    yaml: `name: p\nwarn_after: 50ms\nstages:\n  - { name: work, run: ["bash", "-c", "while [ ! -e mended ]; do sleep 0.01; done"] }\n`,
  });
  const { status } = await on.orchestrator.start(startRequest('p'));
  const [got] = await told(1);
  expect(got?.json.data).toMatchObject({ cause: 'late', subject: 'p is late', number: 1 });
  await mend();
  await ended(on.orchestrator, status.run_id as string);
  expect((await told(2))[1]?.json.data).toMatchObject({ cause: 'recovered' });
});

test('a channel is tested with a message of its own, and the answer is told', async () => {
  await open([]);
  expect(await on.orchestrator.testChannel('ops')).toMatchObject({
    channel: 'ops',
    delivered: true,
    answer: 'answered 200',
  });
  expect(to.got[0]?.json).toMatchObject({ type: 'test', data: { subject: 'test of channel ops' } });
  await expect(on.orchestrator.testChannel('nobody')).rejects.toMatchObject({
    code: 'unknown-channel',
    message: 'there is no channel nobody; known are ops',
  });
});

test('whatever another part of the service says by an event of its own is told: a process that does not end, an approval, a slot', async () => {
  await open([{ on: ['stuck', 'approval', 'late', 'missed'], to: ['ops'] }]);
  await mend();
  await run();
  const run_id = (await on.orchestrator.runs({ limit: 1 })).items[0]?.run_id as string;
  const say = (event: string, stage: string, runId: string | null, data: object) =>
    on.store.note(
      {
        runId,
        pipeline: 'p',
        stage,
        event: event as 'error',
        severity: 'error',
        msg: `${event} was said`,
        data: { ...data },
      },
      Date.now(),
    );
  await say('error', 'watchdog', run_id, { alarm: 'overdue-drain', pids: [4711] });
  await say('error', 'watchdog', run_id, { alarm: 'overdue-drain', pids: [] });
  await say('approval_requested', 'work', run_id, {});
  await say('warning', 'scheduler', null, { kind: 'late', slot: '2027-01-15T09:00:00.000Z' });
  await say('warning', 'scheduler', null, { kind: 'back', ms: 1 });
  await say('refused', 'scheduler', null, { schedule: 'p', slot: '2027-01-15T09:00:00.000Z' });
  await say('refused', 'pipeline', run_id, {});
  const rows = (await on.store.messages({ limit: 100 })).items.reverse();
  expect(rows.map(({ cause, message }) => [cause, message.command])).toEqual([
    ['stuck', 'stagewright reset p --force --reason "what was done"'],
    ['approval', `stagewright approve ${run_id}`],
    ['late', 'stagewright start p'],
    [
      'missed',
      'stagewright schedules backfill p --from 2027-01-15T09:00:00.000Z --to 2027-01-15T09:00:00.001Z',
    ],
  ]);
});

test('a cause that is rolled back leaves neither its event nor a message', async () => {
  await open([{ on: ['late'], to: ['ops'] }]);
  await mend();
  await run();
  const runId = (await on.orchestrator.runs({ limit: 1 })).items[0]?.run_id as string;
  const event = {
    stage: 'pipeline',
    event: 'warning',
    severity: 'warning',
    msg: 'the run works longer than 1 s; it goes on',
    data: { warn_after_ms: 1000 },
  } as const;
  const breaks = (): never => {
    throw new Error('the disk is gone');
  };
  const late = { runId, change: () => ({ event }) };
  await expect(on.store.amend([late, { runId, change: breaks }], Date.now())).rejects.toThrow(
    'the disk is gone',
  );
  const words = async () =>
    (await on.orchestrator.events({ runId, event: 'warning', limit: 10 })).items.length;
  expect([await words(), await causes()]).toEqual([0, []]);
  await on.store.amend([late], Date.now());
  expect([await words(), await causes()]).toEqual([1, ['late']]);
});
