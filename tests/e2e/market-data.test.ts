import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { ended, eventually, runService, startRequest } from '../support/service.ts';

const shipped = fileURLToPath(new URL('../../pipelines', import.meta.url));

/** Date and close of every bar, read from the raw file without any code of ours. */
const rawBars = async (file: string): Promise<[string, number][]> => {
  const [header = '', ...rows] = (await readFile(file, 'utf8')).trim().split(/\r?\n/);
  const close = header.toLowerCase().split(',').indexOf('close');
  return rows.map((row) => [
    new Date(`${row.split(',')[0]} UTC`).toISOString().slice(0, 10),
    Number(row.split(',')[close]),
  ]);
};
const read = async (file: string) => parquetReadObjects({ file: await asyncBufferFromFile(file) });

test('the shipped pipeline turns the shipped bars into a merged data set an independent reader agrees with; the second run is noop (S20)', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-market-'));
  await cp(shipped, join(dir, 'pipelines'), { recursive: true });
  const { orchestrator, close } = await runService({ dir });
  try {
    expect((await orchestrator.pipelines()).problems).toEqual([]);
    const first = await ended(
      orchestrator,
      (await orchestrator.start(startRequest('market-data'))).status.run_id as string,
    );
    expect([first.state, first.outcome]).toEqual(['DONE', 'success']);

    for (const [instrument, file] of [
      ['AAPL', 'AAPL/aapl.csv'],
      ['SPX', 'SPX/sp500-2000.csv'],
    ] as const) {
      const raw = await rawBars(join(dir, 'pipelines/data/raw', file));
      const bars = await read(join(dir, `data/market/translated/${instrument}.parquet`));
      expect(
        bars.map(({ timestamp, close: value }) => [
          new Date(timestamp as Date).toISOString().slice(0, 10),
          value,
        ]),
      ).toEqual(raw);
    }
    const merged = join(dir, 'data/market/merged');
    const files = (await readdir(merged, { recursive: true })).filter((name) =>
      name.endsWith('.parquet'),
    );
    const keys = new Set<string>();
    for (const name of files)
      for (const row of await read(join(merged, name)))
        keys.add(
          `${row.instrument} ${new Date(row.date as Date).toISOString()} ${row.slot} ${row.session}`,
        );
    expect(keys.size).toBe(first.stages[2]?.outputs.rows);
    expect(keys.size).toBeGreaterThan(5000);

    const second = await ended(
      orchestrator,
      (await orchestrator.start(startRequest('market-data'))).status.run_id as string,
    );
    expect([second.state, second.outcome, second.stages.map(({ state }) => state)]).toEqual([
      'DONE',
      'noop',
      ['skipped', 'skipped', 'skipped'],
    ]);
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
});

test('S29: kill -9 of the merger while it writes: readers see whole files only, the retry finishes, no temp file is left', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-killed-'));
  await cp(shipped, join(dir, 'pipelines'), { recursive: true });
  const file = join(dir, 'pipelines/market-data.yaml');
  // The retry of the shipped pipeline waits for seconds; everything else is as shipped.
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replaceAll(/initial: \d+s/g, 'initial: 1ms'),
  );
  const { orchestrator, store, close } = await runService({ dir });
  try {
    const run = (await orchestrator.start(startRequest('market-data'))).status.run_id as string;
    const merged = join(dir, 'data/market/merged');
    const written = async () =>
      (await readdir(merged, { recursive: true }).catch(() => [])).filter((name) =>
        name.endsWith('.parquet'),
      );
    await eventually(orchestrator, async () => (await written()).length >= 20);
    const merger = (await store.effects()).find(({ kind }) => kind === 'stage')?.process;
    process.kill(-(merger?.pid as number), 'SIGKILL');
    const seen = await written();
    for (const name of seen) expect((await read(join(merged, name))).length).toBeGreaterThan(0);

    const end = await ended(orchestrator, run);

    expect([end.state, end.stages[2]?.attempt]).toEqual(['DONE', 2]);
    expect((await written()).length).toBeGreaterThan(seen.length);
    const left = (await readdir(join(dir, 'data/market'), { recursive: true })).filter((name) =>
      /tmp|temp/.test(name),
    );
    expect(left).toEqual([]);
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
});

test('the shipped demo fails once, retries and succeeds', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-demo-'));
  await cp(shipped, join(dir, 'pipelines'), { recursive: true });
  const { orchestrator, close } = await runService({ dir });
  try {
    const end = await ended(
      orchestrator,
      (await orchestrator.start(startRequest('demo'))).status.run_id as string,
    );
    expect([end.state, end.retry_count, end.stages.map(({ attempt }) => attempt)]).toEqual([
      'DONE',
      1,
      [1, 2, 1],
    ]);
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
});
