import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { openSlowClient } from '../support/socket.ts';

let on: Served;
afterEach(() => on.close());

/** The samples by name and labels. */
const samples = async (): Promise<Record<string, number>> => {
  const answer = await on.ask('GET', '/metrics');
  expect([answer.status, answer.headers['content-type']]).toEqual([
    200,
    expect.stringContaining('text/plain; version=0.0.4'),
  ]);
  const lines = answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' '))),
    ]),
  );
};

test('metrics count the runs that ended by outcome, those that are live, the sockets, and what the parts say of themselves', async () => {
  on = await serveHttp({
    pipelines: {
      'good.yaml': 'name: good\nstages:\n  - { name: one, run: ["true"] }\n',
      'bad.yaml': 'name: bad\nstages:\n  - { name: one, run: ["false"] }\n',
      'slow.yaml': 'name: slow\nstages:\n  - { name: one, grace: 0, run: ["sleep", "60"] }\n',
    },
  });
  for (const name of ['good', 'good', 'bad']) {
    const { status } = await on.orchestrator.start(startRequest(name));
    await ended(on.orchestrator, status.run_id as string);
  }
  await on.orchestrator.start(startRequest('slow'));
  const client = await openSlowClient(on.url, '/ws/events');

  // Commits are counted on a fresh turn.
  await eventually(
    on.orchestrator,
    async () => (await on.orchestrator.measures()).ended.length === 2,
  );
  const now = await samples();

  expect(now).toMatchObject({
    'stagewright_runs_ended_total{pipeline="good",outcome="success"}': 2,
    'stagewright_runs_ended_total{pipeline="bad",outcome="failed"}': 1,
    'stagewright_runs_live{pipeline="slow",state="running"}': 1,
    stagewright_sockets: 1,
    stagewright_answers_waiting: 0,
    'stagewright_health_ok{check="store"}': 1,
    stagewright_journal_head: (await on.orchestrator.events({ limit: 1 })).as_of_seq,
  });
  client.destroy();
  await on.orchestrator.stop('slow', {
    reason: null,
    graceMs: 0,
    actor: { kind: 'user', name: 'test' },
  });
  await eventually(
    on.orchestrator,
    async () => (await on.orchestrator.status('slow')).state === 'STOPPED',
  );
  // What is over is not live any more, and does not stay as it was.
  expect(
    Object.keys(await samples()).filter((name) => name.startsWith('stagewright_runs_live')),
  ).toEqual([]);
});
