import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure, type StageResult } from '../contract.ts';
import { refresh } from './incremental.ts';
import { namesOf } from './left-out.ts';
import { vouchedFiles } from './manifest.ts';
import { parquetSources, readOptions, resolveFolders, unitOptions } from './options.ts';
import { publish } from './publish.ts';
import { readFigures } from './report/figures.ts';
import { reportPage } from './report/report-page.ts';

const optionsSchema = z.strictObject({
  instruments: unitOptions.instruments,
  memory_mb: unitOptions.memory_mb,
  in: z.string().min(1),
  out: z.string().min(1),
  title: z.string().min(1).max(120).default('Break-outs'),
});

/**
 * The merged break-outs of `in` as one page, `out/report.html`, which is also the run's artefact
 * `report.html`: equity per instrument and range statistics, drawn in SVG, without a script and
 * without a byte from elsewhere.
 * @throws StageFailure `bad-options`, `missing-input`, `unreadable-input`, `input-changed`,
 * `unwritable-target`, `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const options = readOptions(optionsSchema, context);
  const { input, out } = resolveFolders(context, options.in, options.out);
  const { sources, leftOut } = await parquetSources(context, input);
  for (const { name, files, fault } of sources) {
    // One without a row yet is no reason to have no page of the others.
    if (fault && files.length === 0 && fault.code === 'missing-input') {
      leftOut.set(name, fault.message);
      context.warn(fault.message);
    } else if (fault) throw fault;
  }
  const files = sources.flatMap((source) => source.files);
  const path = join(out, 'report.html');
  const refreshed = await refresh(context, {
    version: 1,
    input,
    out,
    options: options.title,
    sources: [{ name: 'report', files }],
    limits: { ...options, workers: 1 },
    targets: () => [path],
    build: async ({ database }) => {
      const figures = await readFigures(database, files);
      const page = reportPage(options.title, figures);
      const digest = await publish(path, (temp) => writeFile(temp, page));
      const trades = figures.instruments.reduce((sum, { total }) => sum + total.trades, 0);
      const counts = { rows: figures.rows, trades, instruments: figures.instruments.length };
      return { files: [{ path: 'report.html', rows: figures.rows, ...digest }], counts };
    },
  });
  const [failure] = Object.values(refreshed.failures);
  if (failure) throw failure;

  const unit = refreshed.units['report']!;
  await placeArtefact(context, path);
  context.metric(unit.counts);
  const result = {
    outputs: {
      out: options.out,
      page: join(options.out, 'report.html'),
      ...unit.counts,
      left_out: namesOf(context, leftOut),
    },
    files: vouchedFiles(context.projectDir, out, [unit]),
  };
  return refreshed.rebuilt.length > 0 ? result : { skip: 'nothing new to report', ...result };
}

/** Each run has the page as it was then, also one that found nothing new. */
async function placeArtefact(context: StageContext, path: string): Promise<void> {
  const folder = join(context.workspace, 'artefacts');
  try {
    await mkdir(folder, { recursive: true });
    const page = await readFile(path);
    await publish(join(folder, 'report.html'), (temp) => writeFile(temp, page));
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    throw new StageFailure(
      'unwritable-target',
      `Cannot place the artefact report.html: ${(error as Error).message}`,
    );
  }
}
