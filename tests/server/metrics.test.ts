import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createMetrics } from '../../server/metrics.ts';
import { migrations } from '../../services/sqlite/migrations.ts';
import { outcomes } from '../../wire/status.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { manualClock } from '../support/manual-clock.ts';
import { ended, eventually, projectWith, startRequest } from '../support/service.ts';
import { openSlowClient } from '../support/socket.ts';

const noSockets = { sockets: () => 0, inspectors: () => 0, inspectionFailures: () => 0 };

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
  await eventually(
    on.orchestrator,
    async () => (await on.orchestrator.status('slow')).state === 'RUNNING_ONE',
  );
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

const good = 'name: good\nstages:\n  - { name: one, run: ["true"] }\n';
const bad =
  'name: bad\nstages:\n  - { name: one, run: ["false"], retry: { limit: 1, backoff: { initial: 1 } } }\n';
/** Resolves when the run is over and counted: commits are counted on a fresh turn. */
const ranOnce = async (name: string): Promise<string> => {
  const count = async () =>
    (await on.orchestrator.measures()).ended.reduce((sum, one) => sum + one.count, 0);
  const before = await count();
  const { status } = await on.orchestrator.start(startRequest(name));
  await eventually(on.orchestrator, async () => (await count()) > before);
  return status.run_id as string;
};
const admin = { kind: 'user', name: 'test' } as const;

test('TRUTH-8: every pipeline has every outcome, decision and result at 0 before anything happened, so that the first failure is a step', async () => {
  on = await serveHttp({ pipelines: { 'good.yaml': good, 'bad.yaml': bad } });
  const before = await samples();
  for (const pipeline of ['good', 'bad']) {
    for (const outcome of outcomes)
      expect(
        before[`stagewright_runs_ended_total{pipeline="${pipeline}",outcome="${outcome}"}`],
      ).toBe(0);
    expect(before).toMatchObject({
      [`stagewright_slots_total{pipeline="${pipeline}",decision="missed"}`]: 0,
      [`stagewright_attempts_total{pipeline="${pipeline}",stage="one",result="failed"}`]: 0,
      [`stagewright_last_success_timestamp_seconds{pipeline="${pipeline}"}`]: 0,
      [`stagewright_last_run_timestamp_seconds{pipeline="${pipeline}"}`]: 0,
      [`stagewright_failures_in_a_row{pipeline="${pipeline}"}`]: 0,
      [`stagewright_blocked{pipeline="${pipeline}"}`]: 0,
    });
  }
  await ranOnce('bad');
  expect(await samples()).toMatchObject({
    'stagewright_runs_ended_total{pipeline="bad",outcome="failed"}': 1,
    'stagewright_attempts_total{pipeline="bad",stage="one",result="failed"}': 2,
    // One stage ended, however often it was tried.
    'stagewright_stage_duration_seconds_count{pipeline="bad",stage="one"}': 1,
    'stagewright_stage_duration_seconds_bucket{pipeline="bad",stage="one",le="+Inf"}': 1,
    'stagewright_failures_in_a_row{pipeline="bad"}': 1,
    'stagewright_last_success_timestamp_seconds{pipeline="bad"}': 0,
  });
});

test('after a restart, and after retention has taken the runs, it is known at once when a pipeline last ran and last succeeded', async () => {
  const dir = await projectWith({
    'p.yaml': 'name: p\nstages:\n  - { name: one, run: [sh, -c, "test -e good"] }\n',
  });
  await writeFile(join(dir, 'good'), '');
  on = await serveHttp({ dir });
  const first = await ranOnce('p');
  const { ended_at: succeeded } = await on.orchestrator.status('p');
  await rm(join(dir, 'good'));
  await ranOnce('p');
  const { ended_at: failed } = await on.orchestrator.status('p');
  expect(await on.store.removeRuns([first], () => true)).toEqual([first]);
  await on.close();

  on = await serveHttp({ dir });
  const seconds = (at: string | null) => Date.parse(at as string) / 1000;
  expect(await samples()).toMatchObject({
    'stagewright_last_success_timestamp_seconds{pipeline="p"}': seconds(succeeded),
    'stagewright_last_run_timestamp_seconds{pipeline="p"}': seconds(failed),
    'stagewright_failures_in_a_row{pipeline="p"}': 1,
    // A counter begins again, which is what a reset of a counter is.
    'stagewright_runs_ended_total{pipeline="p",outcome="failed"}': 0,
  });
  await on.close();
  await rm(dir, { recursive: true });
});

test('a run of one stage alone is not when the pipeline last ran', async () => {
  on = await serveHttp({ pipelines: { 'good.yaml': good } });
  const { status } = await on.orchestrator.start(startRequest('good', { onlyStage: 'one' }));
  await ended(on.orchestrator, status.run_id as string);
  expect((await samples())['stagewright_last_run_timestamp_seconds{pipeline="good"}']).toBe(0);
});

test('slots are counted once each by what became of them, with how late they began and which is next', async () => {
  const clock = manualClock();
  const hourly = '\nschedules:\n  - { cron: "0 * * * *", missed: none }\n';
  on = await serveHttp({
    pipelines: { 'good.yaml': `${good}${hourly}` },
    parts: () => ({ clock }),
  });
  const start = clock.wallMs();
  const at = async (ms: number) => {
    clock.advance(start + ms - clock.wallMs());
    await on.service.tickSchedules();
  };
  const hour = 3_600_000;
  await at(hour + 3000);
  await eventually(
    on.orchestrator,
    async () => (await on.orchestrator.status('good')).state === 'DONE',
  );
  // Two were missed, the third is on time.
  await at(4 * hour);
  await on.orchestrator.pauseSchedules({ reason: null }, admin);
  await at(5 * hour);
  const now = await samples();
  expect(now).toMatchObject({
    'stagewright_slots_total{pipeline="good",decision="started"}': 2,
    'stagewright_slots_total{pipeline="good",decision="missed"}': 2,
    'stagewright_slots_total{pipeline="good",decision="skipped"}': 1,
    'stagewright_slot_lateness_seconds_count{pipeline="good"}': 2,
    'stagewright_slot_lateness_seconds_sum{pipeline="good"}': 3,
    'stagewright_slot_lateness_seconds_bucket{pipeline="good",le="0.5"}': 1,
    'stagewright_last_slot_timestamp_seconds{pipeline="good"}': (start + 4 * hour) / 1000,
  });
  // While all schedules are paused nothing is next.
  const next = 'stagewright_next_slot_timestamp_seconds{pipeline="good"}';
  expect(now[next]).toBeUndefined();
  await on.orchestrator.pauseSchedules(null, admin);
  expect((await samples())[next]).toBe((start + 6 * hour) / 1000);
  await at(6 * hour);
  expect((await samples())[next]).toBe((start + 7 * hour) / 1000);
});

test('a run that waited for its place is measured, one that did not is not', async () => {
  const queue = 'concurrency: { key: k, on_conflict: queue }\n';
  on = await serveHttp({
    pipelines: {
      'slow.yaml': `name: slow\n${queue}stages:\n  - { name: one, grace: 0, run: [sh, -c, "while [ ! -e go ]; do sleep 0.02; done"] }\n`,
      'good.yaml': good.replace('stages', `${queue}stages`),
    },
  });
  await on.orchestrator.start(startRequest('slow'));
  const { status } = await on.orchestrator.start(startRequest('good'));
  expect((await samples())['stagewright_runs_live{pipeline="good",state="queued"}']).toBe(1);
  await writeFile(join(on.dir, 'go'), '');
  await ended(on.orchestrator, status.run_id as string);
  const names = Object.entries(await samples()).filter(([name]) =>
    name.startsWith('stagewright_queue_wait_seconds_count'),
  );
  expect(names).toEqual([['stagewright_queue_wait_seconds_count{pipeline="good"}', 1]]);
});

test('a pipeline that a reload takes away leaves the metrics, and one that it brings is there at 0', async () => {
  on = await serveHttp({ pipelines: { 'good.yaml': good, 'bad.yaml': bad } });
  await ranOnce('bad');
  await rm(join(on.dir, 'pipelines/bad.yaml'));
  await writeFile(join(on.dir, 'pipelines/new.yaml'), good.replace('good', 'new'));
  await on.orchestrator.reload(admin);
  const names = Object.keys(await samples());
  expect(names.filter((name) => name.includes('pipeline="bad"'))).toEqual([]);
  expect(names).toContain('stagewright_runs_ended_total{pipeline="new",outcome="failed"}');
});

test('a label is escaped as the format asks, whatever it says', async () => {
  on = await serveHttp({ pipelines: { 'good.yaml': good } });
  const measures = await on.orchestrator.measures();
  const odd = {
    ...measures,
    live: [{ pipeline: 'a"b\\c\nd', state: 'running' as const, count: 1 }],
  };
  const text = await createMetrics({ measures: async () => odd, ...noSockets }).render();
  expect(text).toContain('stagewright_runs_live{pipeline="a\\"b\\\\c\\nd",state="running"} 1');
});

test('a store of before knows after its migration when each pipeline last ran and last succeeded', async () => {
  const dir = await projectWith({ 'good.yaml': good, 'bad.yaml': bad });
  on = await serveHttp({ dir });
  await ranOnce('good');
  await ranOnce('bad');
  const before = (await on.store.figures()).pipelines;
  await on.close();
  const db = new DatabaseSync(join(dir, 'data/stagewright.sqlite'));
  db.exec('ALTER TABLE pipelines DROP COLUMN last_run_at');
  db.exec('ALTER TABLE pipelines DROP COLUMN last_success_at');
  db.exec(migrations.find((step) => step.includes('last_success_at')) as string);
  db.close();
  on = await serveHttp({ dir });
  expect((await on.store.figures()).pipelines).toEqual(before);
  expect(before.find(({ pipeline }) => pipeline === 'bad')).toMatchObject({
    lastSuccessAt: null,
    lastRunAt: expect.any(Number),
  });
  await on.close();
  await rm(dir, { recursive: true });
});

test('whoever scrapes while a scrape is made gets the same one, and a metric of many thousand lines has its head once', async () => {
  on = await serveHttp({ pipelines: { 'good.yaml': good } });
  const measures = await on.orchestrator.measures();
  const [one] = measures.pipelines;
  if (!one) throw new Error('no pipeline is measured');
  const many = {
    ...measures,
    pipelines: Array.from({ length: 3000 }, (_, n) => ({ ...one, pipeline: `p-${n}` })),
  };
  let asked = 0;
  const metrics = createMetrics({
    measures: async () => {
      asked += 1;
      return many;
    },
    ...noSockets,
  });
  const [text, other] = await Promise.all([metrics.render(), metrics.render()]);
  expect([asked, other === text]).toEqual([1, true]);
  const lines = text.split('\n');
  expect(lines.filter((line) => line === '# TYPE stagewright_blocked gauge').length).toBe(1);
  expect(lines.filter((line) => line.startsWith('stagewright_blocked{')).length).toBe(3000);
});
