import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../services/host/clock.ts';
import { openSqliteStore } from '../services/sqlite/sqlite-store.ts';
import { medianMs, printFigure, printRatio } from './ratio.ts';
import { measureStart } from './start-bench.ts';

/** A database with a long past: copies of one real run, and events beside them. */
const fill = (path: string, template: string, runs: number, events: number): void => {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA synchronous = OFF; ATTACH '${template}' AS source; BEGIN`);
  for (const table of ['charts', 'definitions', 'pipelines'])
    db.exec(`INSERT INTO ${table} SELECT * FROM source.${table}`);
  // Every hundredth one failed.
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO runs SELECT 'r_0' || printf('%025d', i), pipeline, i, chart, definition, spec, version, ledger_n, run_seq, '{}', projection,
     CASE WHEN i % 100 = 0 THEN 'FAILED' ELSE state END, progress, created_at, updated_at, ended_at, 1000
     FROM n, (SELECT * FROM source.runs WHERE state = 'DONE' ORDER BY run_id LIMIT 1)`,
  ).run(runs);
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO journal (stage, event, at, severity, msg, data) SELECT 'system', 'warning', 0, 'info', 'note ' || i, '{"x":"' || hex(zeroblob(200)) || '"}' FROM n`,
  ).run(events);
  db.exec('COMMIT; DETACH source');
  db.close();
};

/**
 * Reads over a million runs and a journal of 100 MB, and the start on a hundred thousand runs.
 * @param dir of a place that has run
 */
export const benchHistory = async (dir: string): Promise<void> => {
  const template = join(dir, 'data/stagewright.sqlite');
  const long = join(dir, 'long.sqlite');
  const open = () => openSqliteStore({ path: long, synchronous: 'FULL', clock: systemClock });
  await open().close();
  fill(long, template, 1_000_000, 200_000);
  const store = open();
  printFigure(
    'page of 50 of 1,000,000 runs',
    await medianMs(20, () => store.runs({ limit: 50 })),
    'ms',
  );
  const middle = `r_0${'500000'.padStart(25, '0')}`;
  printFigure(
    '  from the middle',
    await medianMs(20, () => store.runs({ limit: 50, before: middle })),
    'ms',
  );
  printFigure(
    '  of those that failed',
    await medianMs(20, () => store.runs({ limit: 50, state: 'FAILED', before: middle })),
    'ms',
  );
  printFigure(
    '  looked for by a word nobody said',
    await medianMs(5, () => store.runs({ limit: 50, q: 'nobody' })),
    'ms',
  );
  printFigure(
    'newest 100 events of a journal of 100 MB',
    await medianMs(20, () => store.journal({ limit: 100 })),
    'ms',
  );
  printFigure(
    'snapshot of the stream there',
    await medianMs(20, () => store.snapshotRead({}, 100)),
    'ms',
  );
  await store.close();

  const old = join(dir, 'cold');
  await mkdir(old, { recursive: true });
  const fresh = Math.min((await measureStart(dir)).coldMs, (await measureStart(dir)).coldMs);
  fill(join(old, 'stagewright.sqlite'), template, 100_000, 0);
  const again = Math.min((await measureStart(dir)).coldMs, (await measureStart(dir)).coldMs);
  printRatio({
    what: 'start on 100,000 archived runs',
    ours: again,
    limit: fresh,
    unit: 'ms    ',
    goal: { kind: 'at most', ratio: 1.3 },
  });
};
