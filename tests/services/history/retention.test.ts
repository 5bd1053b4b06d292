import { existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { registerChecks } from '../../../services/health/checks.ts';
import {
  createRetention,
  judge,
  type RetentionLimits,
} from '../../../services/history/retention.ts';
import type { RetentionRow } from '../../../services/store/retention-store.ts';
import { ended, type Running, runService, startRequest } from '../../support/service.ts';

const pipelines = {
  'quick.yaml':
    'name: quick\nstages:\n  - { name: one, run: ["sh", "-c", "head -c 10000 /dev/zero"] }\n',
  'bad.yaml': 'name: bad\nstages:\n  - { name: one, run: ["false"], retry: { limit: 0 } }\n',
  'long.yaml': 'name: long\nstages:\n  - { name: one, run: ["sleep", "60"], grace: 1s }\n',
};
let on: Running;
beforeEach(async () => {
  on = await runService({ pipelines });
});
afterEach(() => on.close());

const hour = 3_600_000;
const off: RetentionLimits = { ageMs: null, runs: null, bytes: null };
/**
 * A retention that sees the clock `laterMs` ahead; every event is archived first, as it is after a
 * quarter of a second.
 */
const retentionWith = async (limits: Partial<RetentionLimits>, laterMs = hour) => {
  const head = (await on.orchestrator.events({ limit: 1 })).as_of_seq;
  await on.store.setMeta('archive_seq', String(head));
  const clock = { wallMs: () => Date.now() + laterMs, after: () => () => {} };
  return createRetention({
    store: on.store,
    clock,
    dataDir: on.dataDir,
    limits: { ...off, ...limits },
    log: () => {},
  });
};
const run = async (pipeline: string): Promise<string> => {
  const { status } = await on.orchestrator.start(startRequest(pipeline));
  await ended(on.orchestrator, status.run_id as string);
  return status.run_id as string;
};
const left = async (): Promise<string[]> =>
  (await on.orchestrator.runs({ limit: 200 })).items
    .map(({ run_id }) => run_id as string)
    .toReversed();

test('by count: the oldest of each pipeline go, rows and files; what is left is whole', async () => {
  const quick = [await run('quick'), await run('quick'), await run('quick'), await run('quick')];
  const bad = await run('bad');
  const retention = await retentionWith({ runs: 2 });
  await retention.tick();
  expect(await left()).toEqual([quick[2], quick[3], bad]);
  expect(quick.map((id) => existsSync(join(on.dataDir, 'runs', id)))).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(
    (await on.orchestrator.events({ runId: quick[0] as string, after: 0, limit: 10 })).items,
  ).toEqual([]);
  expect(retention.last()).toEqual({ removed: 2, error: null });
});

test('a position before what is gone cannot be resumed, wherever in the journal the hole is', async () => {
  await run('bad');
  const removed = await run('quick');
  const [last] = (await on.orchestrator.events({ runId: removed, limit: 1 })).items;
  await run('quick');
  expect((await on.orchestrator.journalAfter({}, 0, 1)).oldestSeq).toBe(1);
  await (await retentionWith({ runs: 1 })).tick();
  expect((await on.orchestrator.journalAfter({}, 0, 1)).oldestSeq).toBe((last?.seq ?? 0) + 1);
});

test('by age: what is older goes, but never the latest run of a pipeline nor its latest DONE', async () => {
  const done = await run('quick');
  const bad = [await run('bad'), await run('bad')];
  const more = await run('quick');
  await (await retentionWith({ ageMs: 1000 })).tick();
  expect(await left()).toEqual([bad[1], more]);
  expect(existsSync(join(on.dataDir, 'runs', done))).toBe(false);
});

test('links that a stage leaves, to everything and to themselves, are not followed when a run is measured', async () => {
  const id = await run('quick');
  const workspace = join(on.dataDir, 'runs', id, 'workspace');
  const elsewhere = join(on.dir, 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'big'), Buffer.alloc(1_000_000));
  await symlink(elsewhere, join(workspace, 'all'));
  await symlink('.', join(workspace, 'self'));
  await (await retentionWith({})).tick();
  const db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
  const { bytes } = db.prepare('SELECT bytes FROM runs WHERE run_id = ?').get(id) as {
    bytes: number;
  };
  db.close();
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(100_000);
  expect(existsSync(join(elsewhere, 'big'))).toBe(true);
});

test('a run that has just ended stays, whatever the limits', async () => {
  const ids = [await run('quick'), await run('quick')];
  await (await retentionWith({ ageMs: 0, runs: 1, bytes: 1 }, 1000)).tick();
  expect(await left()).toEqual(ids);
});

test('a run whose events are not in the archive yet stays', async () => {
  // The service's own archive must not catch up meanwhile.
  await rm(join(on.dataDir, 'archive'), { recursive: true, force: true });
  await writeFile(join(on.dataDir, 'archive'), '');
  const ids = [await run('quick'), await run('quick')];
  const retention = await retentionWith({ runs: 1 });
  await on.store.setMeta('archive_seq', '1');
  await retention.tick();
  expect(await left()).toEqual(ids);
  expect(retention.waiting()).toBe(1);
});

test.each([['1'], [null]])(
  'REL-10: runs that only the archive holds back, at position %p, are counted in the health, and go once it has them',
  async (position) => {
    // The service's own archive must not catch up meanwhile.
    await rm(join(on.dataDir, 'archive'), { recursive: true, force: true });
    await writeFile(join(on.dataDir, 'archive'), '');
    const ids = [await run('quick'), await run('quick'), await run('quick')];
    const retention = await retentionWith({ runs: 1 });
    const head = (await on.store.meta('archive_seq')) as string;
    const db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
    db.prepare("UPDATE meta SET value = coalesce(?, '') WHERE key = 'archive_seq'").run(position);
    if (position === null) db.exec("DELETE FROM meta WHERE key = 'archive_seq'");
    db.close();
    await retention.tick();
    expect(await left()).toEqual(ids);
    const verdicts = new Map<string, () => { code?: string; detail: string }>();
    registerChecks(
      { register: (name: string, check: never) => verdicts.set(name, check) } as never,
      { retention } as never,
    );
    expect(verdicts.get('retention')?.()).toEqual({
      ok: false,
      code: 'archive-behind',
      detail: '2 runs stay beyond the limits because their events are not archived yet',
    });
    await rm(join(on.dataDir, 'archive'));
    await on.store.setMeta('archive_seq', head);
    await retention.tick();
    expect(await left()).toEqual([ids[2]]);
    expect(retention.waiting()).toBe(0);
  },
);

test('a live run stays, and goes on to its end', async () => {
  const { status } = await on.orchestrator.start(startRequest('long'));
  await (await retentionWith({ ageMs: 0, runs: 0, bytes: 0 })).tick();
  await on.orchestrator.stop('long', {
    reason: null,
    graceMs: 0,
    actor: { kind: 'user', name: 'test' },
  });
  expect((await ended(on.orchestrator, status.run_id as string)).state).toBe('STOPPED');
});

test('S48: five thousand runs are brought under the cap of their size, and a run in use is not touched', async () => {
  const first = await run('quick');
  const { status } = await on.orchestrator.start(startRequest('long'));
  const db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
  const insert = db.prepare(
    `INSERT INTO runs SELECT ?1, pipeline, ?2, chart, definition, spec, version, ledger_n, 0, snapshot, projection, state, progress,
     created_at, updated_at, ended_at, 10000 FROM runs WHERE run_id = ?3`,
  );
  db.exec('BEGIN');
  for (let index = 0; index < 5000; index += 1)
    insert.run(`r_0${String(index).padStart(25, '0')}`, 10 + index, first);
  db.exec('COMMIT');
  // Files of a run that is removed already: what a crash between rows and files leaves.
  await mkdir(join(on.dataDir, 'runs/r_00000000000000000000ORPHAN/one/1'), { recursive: true });
  await writeFile(join(on.dataDir, 'runs/r_00000000000000000000ORPHAN/one/1/stdout.log'), 'x');
  db.exec("INSERT INTO removed_runs VALUES ('r_00000000000000000000ORPHAN')");
  await (await retentionWith({ bytes: 1_000_000 })).tick();
  const { bytes } = db.prepare('SELECT sum(bytes) AS bytes FROM runs').get() as { bytes: number };
  db.close();
  expect(bytes).toBeLessThanOrEqual(1_000_000);
  expect(bytes).toBeGreaterThan(900_000);
  expect((await on.orchestrator.run(status.run_id as string)).ended_at).toBeNull();
  expect(existsSync(join(on.dataDir, 'runs/r_00000000000000000000ORPHAN'))).toBe(false);
  await on.orchestrator.stop('long', {
    reason: null,
    graceMs: 0,
    actor: { kind: 'user', name: 'test' },
  });
}, 60_000);

test('the judgement takes nothing that is protected, and leaves nothing that is over a limit and may go', () => {
  const row = fc.record({
    runId: fc.uuid(),
    pipeline: fc.constantFrom('a', 'b'),
    endedAt: fc.integer({ min: 0, max: 10 * hour }),
    bytes: fc.integer({ min: 0, max: 100 }),
    isProtected: fc.boolean(),
    isArchived: fc.constant(true),
  });
  const limit = (max: number) => fc.option(fc.integer({ min: 0, max }), { nil: null });
  const limits = fc.record({ ageMs: limit(10 * hour), runs: limit(5), bytes: limit(500) });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), limits, (given, bounds) => {
      const rows: RetentionRow[] = given.toSorted((a, b) => a.endedAt - b.endedAt);
      const nowMs = 11 * hour;
      const totals = { bytes: 0, counts: {} as Record<string, number> };
      for (const { pipeline, bytes } of rows) {
        totals.bytes += bytes;
        totals.counts[pipeline] = (totals.counts[pipeline] ?? 0) + 1;
      }
      const kept = rows.filter((one) => {
        if (judge(one, totals, bounds, nowMs) === null) return true;
        totals.bytes -= one.bytes;
        totals.counts[one.pipeline] = (totals.counts[one.pipeline] as number) - 1;
        return false;
      });
      for (const one of rows) if (one.isProtected) expect(kept).toContain(one);
      const free = kept.filter(({ isProtected }) => !isProtected);
      if (bounds.ageMs !== null)
        for (const one of free) expect(nowMs - one.endedAt).toBeLessThanOrEqual(bounds.ageMs);
      if (bounds.bytes !== null && free.length > 0)
        expect(totals.bytes).toBeLessThanOrEqual(bounds.bytes);
      if (bounds.runs !== null)
        for (const { pipeline } of free)
          expect(totals.counts[pipeline]).toBeLessThanOrEqual(bounds.runs);
    }),
  );
});
