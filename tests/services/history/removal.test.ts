import { existsSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { createRetention, type RetentionLimits } from '../../../services/history/retention.ts';
import { isRemovable } from '../../../services/store/retention-store.ts';
import { ended, type Running, runService, startRequest } from '../../support/service.ts';
import { until } from '../../support/until.ts';

const pipelines = {
  'quick.yaml': 'name: quick\nstages:\n  - { name: one, run: ["true"] }\n',
  'other.yaml': 'name: other\nstages:\n  - { name: one, run: ["true"] }\n',
  'again.yaml':
    'name: again\nstages:\n  - { name: one, run: ["sh", "-c", "until [ -e $STAGEWRIGHT_WORKSPACE/go ]; do [ -e $STAGEWRIGHT_WORKSPACE/kept ] || { touch $STAGEWRIGHT_WORKSPACE/kept; exit 1; }; sleep 0.02; done"], retry: { limit: 0 } }\n',
};
let on: Running;
let db: DatabaseSync;
beforeEach(async () => {
  on = await runService({ pipelines });
  db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
});
afterEach(async () => {
  db.close();
  await on.close();
});

const run = async (pipeline: string): Promise<string> => {
  const { status } = await on.orchestrator.start(startRequest(pipeline));
  await ended(on.orchestrator, status.run_id as string);
  return status.run_id as string;
};
/** The archive has caught up, and so does not move any more by itself. */
const archived = (): Promise<boolean> =>
  until(async () => {
    const head = (await on.orchestrator.events({ limit: 1 })).as_of_seq;
    return Number(await on.store.meta('archive_seq')) === head;
  });
/** A retention that takes whatever it may. */
const greedy = (limits: Partial<RetentionLimits> = { ageMs: 0, runs: 1, bytes: 1 }) =>
  createRetention({
    store: on.store,
    clock: { wallMs: () => Date.now() + 3_600_000, after: () => () => {} },
    dataDir: on.dataDir,
    limits: { ageMs: null, runs: null, bytes: null, ...limits },
    log: () => {},
  });
/** Runs of `quick` that nothing protects: neither the latest nor the latest DONE. */
const removable = async (): Promise<string> => {
  const id = await run('quick');
  await run('quick');
  await run('quick');
  await archived();
  return id;
};

describe('a run that somebody leans on is never removed', () => {
  const protections: [string, (id: string) => void][] = [
    ['that lives', (id) => db.prepare('UPDATE runs SET ended_at = NULL WHERE run_id = ?').run(id)],
    [
      'that holds a lock',
      (id) => db.prepare("INSERT INTO lock_holders VALUES ('k', 7, ?, 0)").run(id),
    ],
    [
      'that waits in a line',
      (id) =>
        db.prepare("INSERT INTO lock_waiters (key, run_id, replaces) VALUES ('k', ?, 0)").run(id),
    ],
    [
      'that has an effect',
      (id) =>
        db
          .prepare(
            "INSERT INTO effects VALUES (?, 'attempt-one', 1, 'stage', 'dropping', '{}', 1, 't', NULL, 0, NULL, NULL)",
          )
          .run(id),
    ],
    [
      'that has a timer',
      (id) => db.prepare("INSERT INTO timers VALUES (?, 't', 1, 'wall', 9e15, 1, 'b')").run(id),
    ],
    [
      'in whose workspace a live run works',
      (id) =>
        db
          .prepare(
            `UPDATE runs SET ended_at = NULL, spec = json_set(spec, '$.metadata.workspace_of', ?)
             WHERE run_id = (SELECT max(run_id) FROM runs)`,
          )
          .run(id),
    ],
    [
      'that is the latest of its pipeline',
      (id) => db.prepare('UPDATE runs SET number = 1000 WHERE run_id = ?').run(id),
    ],
    [
      'that is the latest DONE of its pipeline',
      (id) =>
        db
          .prepare("UPDATE runs SET state = 'FAILED' WHERE pipeline = 'quick' AND run_id <> ?")
          .run(id),
    ],
    [
      'whose events are not in the archive',
      () => db.exec("UPDATE meta SET value = '1' WHERE key = 'archive_seq'"),
    ],
  ];

  test('one without any of that is', async () => {
    const id = await removable();
    expect(await on.store.removeRuns([id], isRemovable)).toEqual([id]);
  });

  test.each(protections)('one %s', async (_, protect) => {
    const id = await removable();
    protect(id);
    const [row] = (await on.store.endedRuns({ limit: 10 })).filter(({ runId }) => runId === id);
    expect(row === undefined || !isRemovable(row)).toBe(true);
    // Answered, not thrown: a foreign key that stops the statement is no judgement, and would stop
    // the removal of all the others too.
    expect(await on.store.removeRuns([id], isRemovable)).toEqual([]);
    await greedy().tick();
    expect((await on.store.run(id))?.run.runId).toBe(id);
    expect(await on.store.ledger(id, { after: 0, limit: 10 })).not.toEqual([]);
    expect(existsSync(join(on.dataDir, 'runs', id))).toBe(true);
    expect(await on.store.removedRuns('', 10)).not.toContain(id);
  });
});

test('S48: the workspace a retry works in stays while it works, whatever the limits', async () => {
  const first = await run('again');
  const { status } = await on.orchestrator.command(first, {
    command: { type: 'RETRY_FROM', definition: 'pinned', reason: 'mended' },
    actor: { kind: 'user', name: 'test' },
    ifVersion: null,
    idempotency: null,
  });
  const heir = status.run_id as string;
  const workspace = join(on.dataDir, 'runs', first, 'workspace');
  await until(async () => (await on.orchestrator.run(heir)).state === 'RUNNING_ONE');
  await archived();
  await greedy().tick();
  expect(existsSync(join(workspace, 'kept'))).toBe(true);
  await writeFile(join(workspace, 'go'), '');
  expect((await ended(on.orchestrator, heir)).state).toBe('DONE');
});

test('only what the store has removed is ever deleted, whatever lies in the folders', async () => {
  await run('quick');
  const digits = fc.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  const thing = fc.record({
    id: fc.oneof(
      digits.map((text) => `r_${text}`),
      // What people and systems leave: no run at all.
      fc.stringMatching(/^[a-z][a-z .~-]{0,12}[a-z]$/),
    ),
    hasFolder: fc.boolean(),
    hasArchive: fc.boolean(),
    hasRow: fc.boolean(),
    isRemoved: fc.boolean(),
  });
  const insertRun = db.prepare(
    `INSERT INTO runs SELECT ?1, 'made up', ?2, chart, definition, spec, version, ledger_n, 0, snapshot, projection, state, progress,
     created_at, updated_at, ended_at, 1 FROM runs WHERE pipeline = 'quick' LIMIT 1`,
  );
  const all = fc.uniqueArray(thing, { selector: ({ id }) => id, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(all, async (things) => {
      const dirOf = (id: string) => join(on.dataDir, 'runs', id);
      const archiveOf = (id: string) => join(on.dataDir, 'archive', `${id}.jsonl`);
      await mkdir(join(on.dataDir, 'archive'), { recursive: true });
      for (const [index, { id, hasFolder, hasArchive, hasRow, isRemoved }] of things.entries()) {
        if (hasFolder) await mkdir(join(dirOf(id), 'one/1'), { recursive: true });
        if (hasArchive) await writeFile(archiveOf(id), '{}\n');
        if (hasRow) insertRun.run(id, index + 1);
        // A row and a removal of one run cannot be: they are one transaction.
        else if (isRemoved) db.prepare('INSERT INTO removed_runs VALUES (?)').run(id);
      }
      await greedy({}).tick();
      for (const { id, hasFolder, hasArchive, hasRow, isRemoved } of things) {
        const isGone = isRemoved && !hasRow;
        expect([id, existsSync(dirOf(id))]).toEqual([id, hasFolder && !isGone]);
        expect([id, existsSync(archiveOf(id))]).toEqual([id, hasArchive && !isGone]);
      }
      expect(await on.store.removedRuns('', 100)).toEqual([]);
      db.exec("DELETE FROM runs WHERE pipeline = 'made up'");
      for (const { id } of things) {
        await rm(dirOf(id), { recursive: true, force: true });
        await rm(archiveOf(id), { force: true });
      }
    }),
    { numRuns: 40 },
  );
});

test('removing a run and remembering that it is ours to delete are one: a crash in between is finished later', async () => {
  const id = await removable();
  expect(await on.store.removeRuns([id], isRemovable)).toEqual([id]);
  // The service dies here: rows are gone, files are not.
  expect(existsSync(join(on.dataDir, 'runs', id))).toBe(true);
  expect(await on.store.removedRuns('', 10)).toEqual([id]);
  await greedy({}).tick();
  expect(existsSync(join(on.dataDir, 'runs', id))).toBe(false);
  // A folder that comes back under that name later is somebody's doing: it stays.
  await mkdir(join(on.dataDir, 'runs', id));
  await greedy({}).tick();
  expect(existsSync(join(on.dataDir, 'runs', id))).toBe(true);
});

test('files that cannot be removed stop nobody else, are told, and are tried again', async () => {
  const id = await removable();
  const stuck = 'r_00000000000000000000000001';
  await on.store.removeRuns([id], isRemovable);
  db.prepare('INSERT INTO removed_runs VALUES (?)').run(stuck);
  // A folder where a file should be: not even root removes it like that.
  await mkdir(join(on.dataDir, 'archive', `${stuck}.jsonl`), { recursive: true });
  const retention = greedy({});
  await retention.tick();
  expect(existsSync(join(on.dataDir, 'runs', id))).toBe(false);
  expect(retention.last().error).toMatch(/failed|directory/);
  await rm(join(on.dataDir, 'archive', `${stuck}.jsonl`), { recursive: true });
  await retention.tick();
  expect(retention.last().error).toBeNull();
  expect(await on.store.removedRuns('', 10)).toEqual([]);
});

test('room that removed runs have left goes back to the disk', async () => {
  const size = (): number => statSync(join(on.dataDir, 'stagewright.sqlite')).size;
  for (let index = 0; index < 40; index += 1) await run('quick');
  await archived();
  await on.store.checkpoint();
  const before = size();
  const retention = greedy({ runs: 1 });
  await retention.tick();
  expect(retention.last()).toEqual({ removed: 39, error: null });
  await until(async () => {
    // A reader of the service itself may hold the end of the file for a moment.
    await on.store.checkpoint();
    return size() < before / 2;
  });
  await retention.close();
});
