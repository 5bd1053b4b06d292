/**
 * `npm run bench:data [-- days]`: rows a second of the data stages on made-up minute bars, against
 * bare DuckDB on the same files with the same memory and threads. Figures are for people; tests
 * never assert them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as analyzer from '../stages/builtin/analyzer.ts';
import * as merger from '../stages/builtin/merger.ts';
import { sampleFiles } from '../stages/builtin/sample-bars/files.ts';
import * as translator from '../stages/builtin/translator.ts';
import type { StageModule } from '../stages/contract.ts';
import { bareTranslate } from './bare-duckdb.ts';
import { printFigure, printRatio } from './ratio.ts';

const days = Number(process.argv[2] ?? 500);
const dir = await mkdtemp(join(tmpdir(), 'stagewright-bench-'));
const workspace = join(dir, 'workspace');

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
};
/** Time of all threads of this process. */
const coreSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const run = (stage: StageModule, options: Record<string, unknown>) => {
  const said = {
    progress() {},
    metric() {},
    warn() {},
    log: (line: string) => void process.stderr.write(`${line}\n`),
  };
  const who = {
    runId: 'bench',
    pipeline: 'bench',
    stage: 'bench',
    attempt: 1,
    idempotencyKey: 'bench',
  };
  return stage.run({
    ...who,
    ...said,
    workspace,
    projectDir: dir,
    params: {},
    with: options,
    signal: new AbortController().signal,
  });
};

try {
  let rows = 0;
  const files: string[] = [];
  for (const { path, text, bars } of sampleFiles({
    instruments: ['ES'],
    from: '2023-01-02',
    days,
    seed: 1,
    awkward: false,
  })) {
    await mkdir(dirname(join(dir, 'raw', path)), { recursive: true });
    await writeFile(join(dir, 'raw', path), text);
    if (bars.length > 0) files.push(join(dir, 'raw', path));
    rows += bars.length;
  }
  printFigure('minute bars', rows, 'rows');
  // Alternately, so that a busy moment of the machine meets both; the best of each.
  const ours: number[] = [];
  const bare: number[] = [];
  const work = { ours: 0, bare: 0 };
  for (let turn = 0; turn < 3; turn += 1) {
    const begun = coreSeconds();
    bare.push(await seconds(() => bareTranslate(workspace, files, join(dir, `bare-${turn}`))));
    const between = coreSeconds();
    ours.push(
      await seconds(() =>
        run(translator, { raw: 'raw', out: `translated-${turn}`, layout: 'intraday' }),
      ),
    );
    work.bare += between - begun;
    work.ours += coreSeconds() - between;
  }
  const perSecond = (taken: number[]) => rows / Math.min(...taken);
  printRatio({
    what: 'translator, 1 instrument',
    ours: perSecond(ours),
    limit: perSecond(bare),
    unit: 'rows/s',
    goal: { kind: 'at least', ratio: 0.7 },
  });
  // Where others are at work too, seconds of a core say more than seconds.
  printRatio({
    what: 'the same per second of a core',
    ours: (3 * rows) / work.ours,
    limit: (3 * rows) / work.bare,
    unit: 'rows/s',
    goal: { kind: 'at least', ratio: 0.7 },
  });
  const again = await seconds(() =>
    run(translator, { raw: 'raw', out: 'translated-0', layout: 'intraday' }),
  );
  printFigure('translator, nothing new', rows / again, 'rows/s');
  printFigure(
    'analyzer',
    rows / (await seconds(() => run(analyzer, { in: 'translated-0', out: 'analyzed' }))),
    'rows/s',
  );
  printFigure(
    'merger',
    1000 * (await seconds(() => run(merger, { in: 'analyzed', out: 'merged' }))),
    'ms',
  );
} finally {
  await rm(dir, { recursive: true });
}
