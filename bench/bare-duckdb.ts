import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase } from '../stages/builtin/duckdb.ts';

/**
 * What somebody would write who has nothing but DuckDB and clean files: read them, convert the
 * time, sort, and write one file per trading day. No checks, no duplicates, no rejects, no hashes,
 * no sync, no manifest, nothing for the next time.
 */
export async function bareTranslate(
  workspace: string,
  files: string[],
  out: string,
): Promise<void> {
  const database = await openDatabase({
    workspace,
    stage: 'bare',
    attempt: 1,
    signal: new AbortController().signal,
  });
  await mkdir(out, { recursive: true });
  const list = files.map((file) => `'${file}'`).join(', ');
  const columns = `{'timestamp_utc': 'TIMESTAMP', 'open': 'DOUBLE', 'high': 'DOUBLE', 'low': 'DOUBLE', 'close': 'DOUBLE', 'volume': 'BIGINT'}`;
  await database.run(`CREATE TABLE bars AS
    SELECT timezone('America/Chicago', timestamp_utc::TIMESTAMPTZ) AS timestamp, open, high, low, close, volume,
      parse_filename(filename) AS source, (timestamp + INTERVAL 7 HOUR)::DATE AS day
    FROM read_csv([${list}], header = true, auto_detect = false, columns = ${columns}, filename = true) ORDER BY timestamp_utc`);
  for (const { day } of await database.rows<{ day: string }>(
    'SELECT DISTINCT day::VARCHAR AS day FROM bars ORDER BY day',
  )) {
    const select = `SELECT * EXCLUDE (day, source), 'ES' AS instrument, source, '1m' AS interval, false AS synthetic FROM bars WHERE day = '${day}'`;
    await database.run(
      `COPY (${select}) TO '${join(out, `${day}.parquet`)}' (FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false)`,
    );
  }
  await database.close();
}
