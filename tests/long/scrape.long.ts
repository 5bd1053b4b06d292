import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createMetrics } from '../../server/metrics.ts';
import { systemClock } from '../../services/host/clock.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import { type Served, serveHttp } from '../support/http.ts';

const pipelines = 1000;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-scrape-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A store with so many ended runs of a thousand pipelines, each with a schedule of fifty slots. */
const storeWith = (runs: number) => {
  const path = join(dir, `${runs}.sqlite`);
  const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
  const db = new DatabaseSync(path);
  const snapshot = JSON.stringify('x'.repeat(3000));
  db.exec(
    `
    PRAGMA foreign_keys = OFF; BEGIN;
    INSERT INTO pipelines (name, last_number, last_run_at, last_success_at)
      SELECT 'p-' || value, 1, 1, 1 FROM generate_series(1, ${pipelines});
    INSERT INTO schedules (schedule_id, pipeline, origin, file, overrides, version, decided_to, created_at, created_by, updated_at)
      SELECT name, name, 'file', '{}', '{}', 1, 1, 1, 'x', 1 FROM pipelines;
    INSERT INTO slots (schedule_id, backfill, slot, slot_to, slots, decision, policy, would, at)
      SELECT name, '', value, value, 1, 'started', '', '', 1 FROM pipelines, generate_series(1, 50);
  `.replaceAll(
      /generate_series\(1, (\d+)\)/g,
      (_, n: string) =>
        `(WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < ${n}) SELECT value FROM s)`,
    ),
  );
  const insert = db.prepare(
    `INSERT INTO runs (run_id, pipeline, number, chart, definition, spec, version, ledger_n, run_seq, snapshot, projection, state, created_at, updated_at, ended_at)
     VALUES (?, ?, ?, 'c', 'd', '{}', 1, 1, 1, ?, '{}', 'DONE', 1, 1, 1)`,
  );
  for (let n = 0; n < runs; n += 1)
    insert.run(
      `r_${String(n).padStart(26, '0')}`,
      `p-${(n % pipelines) + 1}`,
      Math.floor(n / pipelines) + 1,
      snapshot,
    );
  db.exec('COMMIT');
  db.close();
  return store;
};
/** The middle one of many, in microseconds of this process. */
const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let n = 0; n < 21; n += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push(user + system);
  }
  return times.toSorted((a, b) => a - b)[10] ?? 0;
};

test('what a scrape reads of a thousand pipelines costs the same with a thousand runs and with a hundred thousand', async () => {
  const [few, many] = [storeWith(1000), storeWith(100_000)];
  expect((await many.figures()).pipelines.length).toBe(pipelines);
  const [short, long] = [await cpuOf(few.figures), await cpuOf(many.figures)];
  await few.close();
  await many.close();
  expect(long / short).toBeLessThan(3);
});

test('the text of a thousand pipelines is made in many turns, between which others have theirs', async () => {
  const on: Served = await serveHttp({
    pipelines: { 'p.yaml': 'name: p\nstages:\n  - { name: one, run: ["true"] }\n' },
  });
  const measures = await on.orchestrator.measures();
  await on.close();
  const [one] = measures.pipelines;
  if (!one) throw new Error('no pipeline is measured');
  const stages = ['translator', 'analyzer', 'merger'];
  const all = Array.from({ length: pipelines }, (_, n) => ({ ...one, pipeline: `p-${n}`, stages }));
  const metrics = createMetrics({
    measures: async () => ({ ...measures, pipelines: all }),
    sockets: () => 0,
    inspectors: () => 0,
    inspectionFailures: () => 0,
  });
  let turns = 0;
  let isOn = true;
  const turn = (): void => {
    turns += 1;
    if (isOn) setImmediate(turn);
  };
  turn();
  const text = await metrics.render();
  isOn = false;
  expect(text.split('\n').length).toBeGreaterThan(39_000);
  expect(turns).toBeGreaterThan(39);
});
