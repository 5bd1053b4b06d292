import { rm } from 'node:fs/promises';
import { createWebSocketInspector } from '@statelyai/inspect';
import { createActor, createMachine } from 'xstate';
import type { ForeignFrame, InspectionFrame } from '../../wire/inspection.ts';
import { look, receive } from '../support/inspector.ts';
import { handshake, openRaw } from '../support/raw.ts';
import { type Served, serve } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

let dir: string;
let on: Served;
beforeEach(async () => {
  dir = await projectWith({
    'p.yaml': 'name: p\nstages:\n  - { name: only, run: ["true"] }\n',
  });
});
afterEach(async () => {
  await on.end();
  await rm(dir, { recursive: true, force: true });
});
const foreignIn = (frames: InspectionFrame[]): ForeignFrame[] =>
  (frames as unknown as ForeignFrame[]).filter(({ foreign }) => foreign);
const send = (text: string): { closed: Promise<{ code: number; reason: string }> } => {
  const { socket, closed } = look(on.url, '/ws/inspect/in');
  socket.addEventListener('open', () => socket.send(text));
  return { closed };
};

test('a program that shows what it does by the stock producer is seen beside the runs, by who looks now and who looks later, under names of its own', async () => {
  on = await serve(dir, ['--inspect-in']);
  const now = receive(on.url, '/ws/inspect');
  const light = createMachine({
    id: 'light',
    initial: 'red',
    context: { password: 'hunter2' },
    states: { red: { on: { NEXT: 'green' } }, green: {} },
  });
  const url = `${on.url.replace('http', 'ws')}/ws/inspect/in`;
  const shown = [1, 2].map(() => {
    const inspector = createWebSocketInspector({ url });
    const actor = createActor(light, { inspect: inspector.inspect }).start();
    actor.send({ type: 'NEXT' });
    return inspector;
  });
  const isGreen = ({ type, snapshot }: ForeignFrame): boolean =>
    type === '@xstate.snapshot' && (snapshot as { value: string }).value === 'green';
  await until(() => foreignIn(now).filter(isGreen).length === 2);
  const later = receive(on.url, '/ws/inspect');
  await until(() => foreignIn(later).length === foreignIn(now).length);
  expect(foreignIn(later)).toEqual(foreignIn(now));
  const sessions = new Set(foreignIn(now).map(({ sessionId }) => sessionId.split('/')[0]));
  expect(sessions).toEqual(new Set(['in-1', 'in-2']));
  expect(foreignIn(now).find(({ type }) => type === '@xstate.actor')).toMatchObject({
    name: 'light',
    definition: expect.stringContaining('"green"'),
    foreign: true,
  });
  expect(JSON.stringify(now)).not.toContain('"password":"hunter2"');
  // Only those that the viewer asked for.
  const pure = receive(on.url, '/ws/inspect?types=snapshot');
  await until(() => foreignIn(pure).filter(isGreen).length === 2);
  expect(new Set(foreignIn(pure).map(({ type }) => type))).toEqual(new Set(['@xstate.snapshot']));

  // It has nothing to do with runs, and is never stored.
  const started = await on.post('/api/pipelines/p/runs', {});
  const { run_id } = (await started.json()) as { run_id: string };
  const run = look(on.url, `/ws/inspect/${run_id}`);
  expect((await run.closed).code).toBe(1000);
  expect(foreignIn(run.frames)).toEqual([]);
  for (const inspector of shown) inspector.stop();
  await on.end();
  on = await serve(dir, ['--inspect-in']);
  const fresh = receive(on.url, '/ws/inspect');
  const one = createWebSocketInspector({ url: `${on.url.replace('http', 'ws')}/ws/inspect/in` });
  createActor(light, { inspect: one.inspect }).start();
  await until(() => foreignIn(fresh).length > 0);
  expect(new Set(foreignIn(fresh).map(({ sessionId }) => sessionId.split('/')[0]))).toEqual(
    new Set(['in-1']),
  );
  one.stop();
});

test('of what programs showed the last thousand frames are kept', async () => {
  on = await serve(dir, ['--inspect-in']);
  const { socket } = look(on.url, '/ws/inspect/in');
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  const now = receive(on.url, '/ws/inspect');
  for (let index = 1; index <= 1500; index += 1)
    socket.send(
      JSON.stringify({ type: '@xstate.event', sessionId: 'x:0', event: { type: `${index}` } }),
    );
  const numbers = (frames: InspectionFrame[]): number[] =>
    foreignIn(frames).map(({ event }) => Number((event as { type: string }).type));
  await until(() => numbers(now).at(-1) === 1500);
  const later = receive(on.url, '/ws/inspect');
  await until(() => numbers(later).at(-1) === 1500);
  expect(numbers(later)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 501));
  socket.close();
});

test.each(['nonsense', '[]', '{"type":"@xstate.event"}', '{"type":"hello","sessionId":"x:0"}'])(
  'a program that sends %s is told what is expected',
  async (text) => {
    on = await serve(dir, ['--inspect-in']);
    expect(await send(text).closed).toEqual({
      code: 4400,
      reason: expect.stringContaining('expected frames of @statelyai/inspect'),
    });
  },
);

test('a frame larger than 256 kB is refused', async () => {
  on = await serve(dir, ['--inspect-in']);
  const text = JSON.stringify({ type: '@xstate.event', sessionId: 'x', text: 'x'.repeat(300_000) });
  expect((await send(text).closed).code).toBe(1009);
});

test('without --inspect-in the door is closed, and says how it is opened', async () => {
  on = await serve(dir);
  const raw = await openRaw(on.url, handshake(new URL(on.url).host, '/ws/inspect/in'));
  await raw.ended;
  expect(raw.heard()).toMatch(/^HTTP\/1\.1 404 .*started with --inspect-in/s);
  raw.socket.destroy();
});
