import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, serveHttp } from '../support/http.ts';
import { eventually } from '../support/service.ts';
import { until } from '../support/until.ts';

const stages = (script: string, more = ''): string =>
  `stages:\n  - { name: work, run: ["sh", "-c", ${JSON.stringify(script)}], grace: 5s${more} }\n  - { name: after, run: ["true"] }\n`;
const pipelines = {
  // Refuses to end, so that it can be met while it stops.
  'works.yaml': `name: works\n${stages('trap "echo stopping" TERM; echo up > up; while [ ! -e go ]; do sleep 0.02; done')}`,
  'backs-off.yaml': `name: backs-off\n${stages('exit 1', ', retry: { limit: 1, backoff: { initial: 60s } }')}`,
  'fails.yaml': `name: fails\n${stages('echo broke >&2; exit 3')}`,
  'shares.yaml': `name: shares\nconcurrency: { key: works }\n${stages('true')}`,
};
let served: Served;
beforeEach(async () => {
  served = await serveHttp({ pipelines, defaultPipeline: 'works' });
});
afterEach(() => served.close());
const post = (path: string, body: unknown = {}) =>
  served.ask('POST', path, { body: JSON.stringify(body) });
const get = async (path: string) => (await served.ask('GET', path)).json;
const untilState = (id: string, state: string) =>
  eventually(served.orchestrator, async () => (await get(`/api/runs/${id}`)).state === state);

/** Every way in that is not the front door of an idle pipeline. */
const sideDoors = (pipeline: string): [path: string, code: string][] => [
  [`/api/pipeline/start?pipeline=${pipeline}`, 'already-running'],
  [`/api/pipelines/${pipeline}/runs`, 'already-running'],
  [`/api/pipeline/stage/work?pipeline=${pipeline}`, 'already-running'],
  [`/api/pipeline/stage/after?pipeline=${pipeline}`, 'already-running'],
  [`/api/pipeline/reset?pipeline=${pipeline}`, 'run-active'],
];
/** @returns the refusals, each of which must name the live run and what it does */
const tryAll = async (doors: [string, string][], id: string, state: string): Promise<void> => {
  for (const [path, code] of doors) {
    const { status, json } = await post(path);
    expect([path, status, json.code, json.run_id, json.state]).toEqual([
      path,
      409,
      code,
      id,
      state,
    ]);
    expect(json.detail).toContain(id);
    expect(json.detail).toContain(state);
  }
};

test('S08: while a run works, stops or backs off, every side door answers 409 with its id and state, and no run begins', async () => {
  const id = (await post('/api/pipeline/start')).json.run_id;
  await untilState(id, 'RUNNING_WORK');
  const up = join(served.dir, 'up');
  // Sent sooner, the stop would meet a program that does not refuse yet.
  await until(() =>
    access(up).then(
      () => true,
      () => false,
    ),
  );
  // A neighbour under the same key is a side door, too.
  const doors: [string, string][] = [
    ...sideDoors('works'),
    ['/api/pipelines/shares/runs', 'already-running'],
  ];
  await tryAll(doors, id, 'RUNNING_WORK');
  await post(`/api/runs/${id}/commands`, { type: 'STOP' });
  await tryAll(doors, id, 'STOPPING');
  expect((await get('/api/runs')).items).toHaveLength(1);
  const refused = (await get('/api/events?event=refused')).items;
  // Five doors in two states; the two that ask for the same are one refusal and one more of it.
  expect(refused).toHaveLength(8);
  await post(`/api/runs/${id}/commands`, { type: 'STOP', grace_ms: 0 });
  await untilState(id, 'STOPPED');
  expect((await post('/api/pipelines/shares/runs')).status).toBe(202);

  const waiting = (await post('/api/pipelines/backs-off/runs')).json.run_id;
  await untilState(waiting, 'RETRYING');
  await tryAll(sideDoors('backs-off'), waiting, 'RETRYING');
});

test('S17: a run that fails within a second leaves every button usable and its error visible everywhere', async () => {
  const id = (await post('/api/pipelines/fails/runs')).json.run_id;
  await untilState(id, 'FAILED');
  const error = {
    code: 'exit-code',
    exit_code: 3,
    stage: 'work',
    attempt: 1,
    stderr_tail: 'broke',
  };
  const shown = [
    await get('/api/pipeline/status?pipeline=fails'),
    (await get('/api/pipeline/snapshot?pipeline=fails')).status,
    (await get('/api/runs?pipeline=fails')).items[0],
    await get(`/api/runs/${id}`),
  ];
  for (const status of shown)
    expect(status).toMatchObject({ run_id: id, state: 'FAILED', lock: null, error });
  expect(
    (await get(`/api/runs/${id}/commands`)).items.every(
      ({ allowed, why_not }: { allowed: boolean; why_not: string }) => allowed || why_not,
    ),
  ).toBe(true);

  expect((await post('/api/pipeline/stop?pipeline=fails')).json).toMatchObject({
    status: 409,
    code: 'nothing-to-stop',
  });
  expect((await post('/api/pipeline/stage/after?pipeline=fails')).status).toBe(202);
  await eventually(
    served.orchestrator,
    async () => (await get('/api/pipeline/status?pipeline=fails')).state === 'DONE',
  );
  const again = await post('/api/pipeline/start?pipeline=fails');
  expect(again.status).toBe(202);
  await untilState(again.json.run_id, 'FAILED');
  expect((await post('/api/pipeline/reset?pipeline=fails')).json).toMatchObject({
    state: 'IDLE',
    run_id: null,
    last_run_id: again.json.run_id,
  });
});
