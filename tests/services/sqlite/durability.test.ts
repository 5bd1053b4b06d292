import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../../services/host/clock.ts';
import { readConfig } from '../../../services/host/config.ts';
import { openDataDir } from '../../../services/sqlite/open-data-dir.ts';

test.each([
  [[], 2],
  [['--synchronous', 'FULL'], 2],
  [['--synchronous', 'NORMAL'], 1],
])(
  'T15: opened with %j, the connection of the service has PRAGMA synchronous = %i',
  async (argv, level) => {
    const { synchronous } = readConfig(argv, {}, () => '');
    const dataDir = mkdtempSync(join(tmpdir(), 'stagewright-durable-'));
    // The connection itself, from its own calls: SQLite tells the level to nobody else.
    const { exec } = DatabaseSync.prototype;
    const connections = new Set<DatabaseSync>();
    DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
      connections.add(this);
      exec.call(this, sql);
    };
    const opened = openDataDir({
      dataDir,
      pid: process.pid,
      synchronous,
      isNewStore: false,
      clock: systemClock,
    });
    DatabaseSync.prototype.exec = exec;
    if (!('store' in opened)) throw new Error('the directory is taken');
    const stores = [...connections].filter((db) => db.location()?.endsWith('stagewright.sqlite'));
    expect(stores).toHaveLength(1);
    expect(stores[0]?.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: level });
    expect(stores[0]?.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    await opened.store.close();
    opened.claim.release();
    rmSync(dataDir, { recursive: true });
  },
);
