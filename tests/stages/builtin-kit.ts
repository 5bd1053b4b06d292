import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import type { StageContext, StageModule, StageResult } from '../../stages/contract.ts';

/**
 * A project folder of its own, with a way to run a built-in stage in it and to look at what it
 * left.
 */
export async function makeProject() {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-builtin-'));
  const lines: string[] = [];
  const metrics: Record<string, number> = {};
  return {
    dir,
    /** What the stages logged and measured so far. */
    lines,
    metrics,
    async run(
      stage: StageModule,
      options: Record<string, unknown>,
      over: Partial<StageContext> = {},
    ): Promise<NonNullable<StageResult>> {
      const result = await stage.run({
        runId: 'run-1',
        pipeline: 'market-data',
        stage: 'stage-under-test',
        attempt: 1,
        workspace: join(dir, 'workspace'),
        projectDir: dir,
        idempotencyKey: 'run-1/stage-under-test',
        params: {},
        with: options,
        signal: new AbortController().signal,
        progress() {},
        metric: (values) => void Object.assign(metrics, values),
        log: (line) => void lines.push(line),
        warn: (message) => void lines.push(`warning: ${message}`),
        ...over,
      });
      return result!;
    },
    async write(path: string, text: string) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    },
    async move(from: string, to: string) {
      await mkdir(dirname(join(dir, to)), { recursive: true });
      await rename(join(dir, from), join(dir, to));
    },
    text: (path: string) => readFile(join(dir, path), 'utf8'),
    /**
     * Rows of a Parquet file, read by another implementation than the one that wrote it; instants
     * as ISO text, whole numbers as numbers.
     */
    async rows(path: string): Promise<Record<string, unknown>[]> {
      const rows = await parquetReadObjects({ file: await parquetBytes(join(dir, path)) });
      return rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
      );
    },
    /** Rows of all Parquet files below a folder, in the order of their paths. */
    async allRows(folder: string): Promise<Record<string, unknown>[]> {
      const names = (await readdir(join(dir, folder), { recursive: true }))
        .filter((name) => name.endsWith('.parquet'))
        .toSorted();
      return (await Promise.all(names.map((name) => this.rows(join(folder, name))))).flat();
    },
    /** Path → hash and time of every file below a folder: equal means nothing was touched. */
    async state(folder: string): Promise<Record<string, string>> {
      const state: Record<string, string> = {};
      for (const entry of await readdir(join(dir, folder), {
        recursive: true,
        withFileTypes: true,
      })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile())
          state[path.slice(dir.length + 1)] =
            `${await sha256(path)} ${(await stat(path, { bigint: true })).mtimeNs}`;
      }
      return state;
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** Intraday rows as a raw file, `2025-03-05T14:30:00Z` and what follows. */
export const intradayCsv = (rows: string[]) =>
  `timestamp_utc,open,high,low,close,volume\n${rows.map((row) => `${row}\n`).join('')}`;

/** Where a raw file of minute bars lies below the raw folder. */
export const rawPath = (instrument: string, date: string) =>
  `raw/${instrument}/1m/${date.slice(0, 4)}/${date.slice(5, 7)}/${instrument}_1m_${date}.csv`;

export async function parquetBytes(path: string): Promise<ArrayBuffer> {
  const bytes = await readFile(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

export const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

/** One day after the other from 2018-01-01, as a daily CSV. */
export function dailyCsv(
  bars: [open: number, high: number, low: number, close: number][],
  from = '2018-01-01',
): string {
  const day = (index: number) =>
    new Date(Date.parse(from) + index * 86_400_000).toISOString().slice(0, 10);
  return `date,open,high,low,close,volume\n${bars.map((bar, index) => `${day(index)},${bar.join(',')},1000\n`).join('')}`;
}

const plain = (value: unknown) => {
  if (typeof value === 'bigint') return Number(value);
  return Object.prototype.toString.call(value) === '[object Date]'
    ? (value as Date).toISOString()
    : value;
};
