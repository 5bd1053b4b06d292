import { simulationSchema } from '../../wire/simulation.ts';
import { maxPath, type WhatIf, whatIfSchema } from '../../wire/what-if.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

const pipelines = {
  'bad.yaml':
    'name: bad\nstages:\n  - { name: one, run: ["sh", "-c", "exit 3"], retry: { limit: 1, backoff: { initial: 1ms } } }\n  - { name: two, run: ["true"] }\n',
};
let served: Served;
let runId: string;
beforeAll(async () => {
  served = await serveHttp({ pipelines });
  const { status } = await served.orchestrator.start(startRequest('bad'));
  runId = status.run_id as string;
  await ended(served.orchestrator, runId);
});
afterAll(() => served.close());
const post = (path: string, body: unknown) =>
  served.ask('POST', path, {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
const well = { kind: 'answer', effect: 'attempt-one', answer: 'done' } as const;

test('a pipeline is asked what may come, and where a path would lead', async () => {
  const first = await served.ask('GET', '/api/pipelines/bad/what-if');
  expect([first.status, whatIfSchema.parse(first.json).now.state]).toEqual([200, 'STARTING']);
  const path = [{ kind: 'answer', effect: 'preflight', answer: 'done' }, well];
  const { json } = await post('/api/pipelines/bad/what-if', { path });
  const answer: WhatIf = whatIfSchema.parse(json);
  expect([answer.run_id, answer.version, answer.now.path]).toEqual([
    null,
    null,
    'running.two.attempting',
  ]);
});

test('a run of the past is asked what would have become of it, and is not touched', async () => {
  const before = await served.ask('GET', `/api/runs/${runId}/transitions`);
  const events = await served.ask('GET', '/api/events');
  // Its first attempt works.
  const there = await served.ask('GET', `/api/runs/${runId}/what-if?version=2`);
  const { now, version, effects } = whatIfSchema.parse(there.json);
  expect([version, now.path, effects.map(({ text }) => text)]).toEqual([
    2,
    'running.one.attempting',
    ['attempt 1 of one'],
  ]);
  const { json } = await post(`/api/runs/${runId}/what-if`, { version: 2, path: [well] });
  expect(whatIfSchema.parse(json).now.path).toBe('running.two.attempting');
  // As it stands it is over: nothing but another run comes of it.
  const over = whatIfSchema.parse((await served.ask('GET', `/api/runs/${runId}/what-if`)).json);
  expect(over.events.filter(({ allowed }) => allowed).map(({ press }) => press)).toEqual([
    { kind: 'command', command: 'RETRY_FROM' },
  ]);
  expect(await served.ask('GET', `/api/runs/${runId}/transitions`)).toMatchObject({
    json: before.json,
  });
  expect((await served.ask('GET', '/api/events')).json).toEqual(events.json);
});

test('a version that never was, a pipeline that is not there and a path that is too long are refused', async () => {
  const late = await served.ask('GET', `/api/runs/${runId}/what-if?version=99`);
  expect([late.status, late.json.code]).toEqual([404, 'unknown-version']);
  const none = await served.ask('GET', '/api/pipelines/nope/what-if');
  expect([none.status, none.json.code]).toEqual([404, 'unknown-pipeline']);
  const path = Array(maxPath + 1).fill(well);
  const long = await post('/api/pipelines/bad/what-if', { path });
  expect([long.status, long.json.errors]).toEqual([
    422,
    [
      {
        pointer: '/path',
        detail: `a path has at most ${maxPath} events; begin at a later version of the run`,
      },
    ],
  ]);
});

test('a simulation is told, many are summed up, and what cannot be is refused by name', async () => {
  const script = [{ what: 'fail', stage: 'one', times: 1 }];
  const one = await post('/api/pipelines/bad/simulate', { script });
  const { story, survey } = simulationSchema.parse(one.json);
  expect([story.state, story.replay, survey]).toEqual([
    'DONE',
    'stagewright simulate bad --fail one',
    null,
  ]);
  const many = await post('/api/pipelines/bad/simulate', { seed: 3, runs: 10 });
  expect(simulationSchema.parse(many.json).survey).toMatchObject({ runs: 10, broken: null });
  const wrong = await post('/api/pipelines/bad/simulate', {
    script: [{ what: 'fail', stage: 'on' }],
  });
  expect([wrong.status, wrong.json.code, wrong.json.detail]).toEqual([
    404,
    'unknown-stage',
    'bad has no stage on; did you mean one?',
  ]);
  const more = await post('/api/pipelines/bad/simulate', { runs: 201 });
  expect(more.json.errors[0].pointer).toBe('/runs');
  expect((await served.ask('GET', '/api/runs')).json.items.length).toBe(1);
});

test('simulations are made one after the other, and no more than a few wait', async () => {
  const asked = Array.from({ length: 8 }, () =>
    post('/api/pipelines/bad/simulate', { seed: 1, runs: 20 }),
  );
  const codes = (await Promise.all(asked)).map(({ status, json }) => json.code ?? status);
  expect(codes.filter((code) => code === 200).length).toBeGreaterThanOrEqual(5);
  for (const code of codes) expect([200, 'too-many-simulations']).toContain(code);
});
