import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';

const pipelines = {
  'two.yaml':
    'name: two\nstages:\n  - { name: one, run: ["sh", "-c", "echo out one; echo err one >&2; test $STAGEWRIGHT_ATTEMPT = 2"], retry: { limit: 1, backoff: { initial: 10ms } } }\n  - { name: two, run: ["sh", "-c", "for i in 1 2 3 4 5; do echo zwei $i; sleep 0.1; done; printf \'käse\'"] }\n',
  'wide.yaml':
    'name: wide\nstages:\n  - { name: wide, run: ["sh", "-c", "yes x | head -c 2000000 | tr -d [:space:]; yes x | head -c 2000000 | tr -d [:space:]; echo; echo end"] }\n',
  'never.yaml':
    'name: never\nstages:\n  - { name: never, run: [echo, "${env.NOBODY_SET_THIS}"] }\n',
  'loud.yaml': 'name: loud\nstages:\n  - { name: loud, run: ["seq", "1", "200000"] }\n',
  'long.yaml':
    'name: long\nstages:\n  - { name: long, run: ["sh", "-c", "echo begins; sleep 60"], grace: 1s }\n',
};
let served: Served;
beforeAll(async () => {
  served = await serveHttp({ pipelines });
});
afterAll(() => served.close());

// biome-ignore lint/suspicious/noExplicitAny: frames have many shapes
type Frame = any;
const listen = (path: string) => {
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}${path}`);
  const frames: Frame[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data))));
  return {
    socket,
    frames,
    closed: new Promise<number>((resolve) =>
      socket.addEventListener('close', ({ code }) => resolve(code)),
    ),
  };
};
const textOf = (frames: Frame[], stream: string, stage?: string): string =>
  frames
    .filter(
      (frame) =>
        frame.type === 'log' &&
        frame.stream === stream &&
        (stage === undefined || frame.stage === stage),
    )
    .map(({ text }) => text)
    .join('');
const start = async (pipeline: string) =>
  (await served.orchestrator.start(startRequest(pipeline))).status.run_id as string;

test('a live log tells attempts and streams apart, byte for byte, and ends with the run', async () => {
  const id = await start('two');
  const { frames, closed } = listen(`/ws/logs/${id}`);
  expect(await closed).toBe(1000);
  expect(textOf(frames, 'stdout', 'one')).toBe('out one\nout one\n');
  expect(textOf(frames, 'stderr')).toBe('err one\nerr one\n');
  expect(textOf(frames, 'stdout', 'two')).toBe('zwei 1\nzwei 2\nzwei 3\nzwei 4\nzwei 5\nkäse');
  expect(frames.at(-1)).toMatchObject({ type: 'end', data: { state: 'DONE' } });
  const places = frames
    .filter(({ type }) => type === 'log')
    .map(({ stage, attempt }) => `${stage}/${attempt}`);
  expect([...new Set(places)]).toEqual(['one/1', 'one/2', 'two/1']);
});

test('a log that was cut off goes on at the same byte, after any frame', async () => {
  const id = await start('two');
  await ended(served.orchestrator, id);
  const whole = listen(`/ws/logs/${id}?since=one.1.0.0`);
  expect(await whole.closed).toBe(1000);
  const logs = whole.frames.filter(({ type }) => type === 'log');
  for (const [index, { cursor }] of logs.entries()) {
    const rest = listen(`/ws/logs/${id}?since=${cursor}`);
    await rest.closed;
    for (const stream of ['stdout', 'stderr'])
      expect(textOf(rest.frames, stream)).toBe(textOf(logs.slice(index + 1), stream));
  }
});

test('S43: 200,000 lines arrive whole and in order, in frames of at most 64 kB', async () => {
  const id = await start('loud');
  const { frames, closed } = listen(`/ws/logs/${id}/loud?since=loud.1.0.0`);
  await ended(served.orchestrator, id);
  const code = await closed;
  // Before its first attempt a run has no such place; whoever comes then begins without a cursor.
  const text = code === 1000 ? textOf(frames, 'stdout') : '';
  if (code === 1000)
    expect(text).toBe(`${Array.from({ length: 200_000 }, (_, index) => index + 1).join('\n')}\n`);
  const again = listen(`/ws/logs/${id}/loud?tail=10000000`);
  expect(await again.closed).toBe(1000);
  expect(textOf(again.frames, 'stdout')).toBe(
    `${Array.from({ length: 200_000 }, (_, index) => index + 1).join('\n')}\n`,
  );
  for (const frame of again.frames.filter(({ type }) => type === 'log'))
    expect(frame.text.length).toBeLessThanOrEqual(65_536);
});

test('a quiet stage shows what it has said before it says more; one whose folder is not there yet has said nothing', async () => {
  const id = await start('long');
  const { frames, socket } = listen(`/ws/logs/${id}/long`);
  await until(() => textOf(frames, 'stdout') === 'begins\n');
  socket.close();
  // As it is for a moment after an attempt has begun: its folder is not there yet.
  const folder = join(served.dir, 'data/runs', id);
  await rename(folder, `${folder}-aside`);
  const { status, text } = await served.ask('GET', `/api/runs/${id}/logs/long/1`);
  expect([status, text]).toEqual([200, '']);
  await rename(`${folder}-aside`, folder);
  await served.orchestrator.stop('long', {
    reason: null,
    graceMs: 0,
    actor: { kind: 'user', name: 'test' },
  });
  await ended(served.orchestrator, id);
});

test.each([
  ['/ws/logs/r_00000000000000000000000000', 4404, 'unknown-run'],
  ['/ws/logs/RUN/nobody', 4404, 'unknown-stage'],
  ['/ws/logs/RUN?since=one.9.0.0', 4400, 'bad-parameter'],
  ['/ws/logs/RUN?since=..', 4400, 'bad-parameter'],
  ['/ws/logs/r_1', 4400, 'invalid-id'],
])('%s is refused with %i and a readable %s', async (path, code, problem) => {
  const id = await start('two');
  await ended(served.orchestrator, id);
  const { frames, closed } = listen(path.replace('RUN', id));
  expect(await closed).toBe(code);
  expect(frames[0].problem.code).toBe(problem);
});

describe('GET of a log', () => {
  let id: string;
  const get = (query: string) => served.ask('GET', `/api/runs/${id}/logs/two/1${query}`);
  beforeAll(async () => {
    id = await start('two');
    await ended(served.orchestrator, id);
  });
  test('bytes say where they lie, and the next offset goes on', async () => {
    const first = await get('?limit=10');
    expect(first).toMatchObject({ status: 200, text: 'zwei 1\nzwe' });
    expect(first.headers).toMatchObject({
      'x-offset': '0',
      'x-next-offset': '10',
      'x-total-bytes': '40',
    });
    expect(first.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect((await get('?offset=10')).text).toBe('i 2\nzwei 3\nzwei 4\nzwei 5\nkäse');
    expect((await get('?offset=4000')).text).toBe('');
  });
  test('lines, the tail, and a search', async () => {
    const lines = await get('?from_line=2&lines=2');
    expect(lines.text).toBe('zwei 2\nzwei 3\n');
    expect(lines.headers).toMatchObject({
      'x-first-line': '2',
      'x-total-lines': '6',
      'x-next-offset': '21',
    });
    expect((await get('?tail=10')).text).toBe('käse');
    expect((await get('?q=ZWEI%203&ignore_case=true')).json).toEqual({
      matches: [{ line: 3, offset: 14, text: 'zwei 3' }],
      next_offset: null,
      searched_to: 40,
      size: 40,
    });
  });
  test('lines that do not fit are cut, and the answer says so and where it goes on', async () => {
    const wide = await start('wide');
    await ended(served.orchestrator, wide);
    const { headers } = await served.ask(
      'GET',
      `/api/runs/${wide}/logs/wide/1?from_line=1&lines=2`,
    );
    expect(headers).toMatchObject({
      'x-cut': 'true',
      'x-next-offset': '1048576',
      'x-total-lines': '2',
    });
    expect((await served.ask('GET', `/api/runs/${wide}/logs/wide/1?from_line=2`)).text).toBe(
      'end\n',
    );
    expect(
      (await served.ask('GET', `/api/runs/${wide}/logs/wide/1?from_line=2`)).headers['x-cut'],
    ).toBeUndefined();
  });
  test('an attempt that never came to its program has an empty log; one whose files were removed has none', async () => {
    const never = await start('never');
    await ended(served.orchestrator, never);
    const of = (query: string) => served.ask('GET', `/api/runs/${never}/logs/never/1${query}`);
    const empty = await of('?tail=5');
    expect([empty.status, empty.text, empty.headers['x-total-bytes']]).toEqual([200, '', '0']);
    expect((await of('?from_line=1')).headers['x-total-lines']).toBe('0');
    expect((await of('?q=x')).json).toEqual({
      matches: [],
      next_offset: null,
      searched_to: 0,
      size: 0,
    });
    await rm(join(served.dir, 'data/runs', never), { recursive: true });
    expect((await of('?tail=5')).json).toMatchObject({ status: 404, code: 'unknown-attempt' });
  });
  test('stderr is another file; a wrong attempt, stage or question is refused by name', async () => {
    expect((await served.ask('GET', `/api/runs/${id}/logs/one/1?stream=stderr`)).text).toBe(
      'err one\n',
    );
    expect((await served.ask('GET', `/api/runs/${id}/logs/one/3`)).json).toMatchObject({
      status: 404,
      code: 'unknown-attempt',
    });
    expect((await served.ask('GET', `/api/runs/${id}/logs/ones/1`)).json).toMatchObject({
      status: 404,
      code: 'unknown-stage',
    });
    expect((await get('?tail=5&q=x')).json).toMatchObject({ status: 400, code: 'bad-parameter' });
    expect((await get('?ofset=5')).json.errors[0].detail).toContain('offset');
  });
});
