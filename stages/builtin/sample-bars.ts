import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure, type StageResult } from '../contract.ts';
import { stopped } from './duckdb.ts';
import { askedInstruments, readOptions, unitOptions } from './options.ts';
import { digestOf, fileAt, publish } from './publish.ts';
import { sampleSpecs } from './sample-bars/bars.ts';
import { sampleFiles } from './sample-bars/files.ts';
import { startProgress } from './stage-progress.ts';

const optionsSchema = z.strictObject({
  instruments: unitOptions.instruments,
  out: z.string().min(1),
  /** First UTC date. */
  from: z.iso.date().default('2025-02-24'),
  /** UTC days, weekends included; two years are 730. */
  days: z.number().int().min(1).max(4000).default(30),
  seed: z.number().int().default(1),
  awkward: z.boolean().default(true),
});

/**
 * Made-up 1-minute bars below `out/{INST}/1m/…`, the same for the same seed: for trying the other
 * stages without data of one's own. A file that is there already is left alone, so a second run is
 * skipped.
 * @throws StageFailure `bad-options`, `unwritable-target`, `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const options = readOptions(optionsSchema, context);
  const asked = askedInstruments(context).names;
  const instruments = asked.length > 0 ? asked : Object.keys(sampleSpecs);
  const unknown = instruments.filter((name) => !(name in sampleSpecs));
  if (unknown.length > 0)
    throw new StageFailure('bad-options', `There are no sample bars of ${unknown.join(', ')}.`, {
      retryable: false,
    });

  const counts = { rows: 0, written: 0 };
  const files: NonNullable<NonNullable<StageResult>['files']> = [];
  const progress = startProgress(context, instruments.length, instruments.length * options.days);
  try {
    for (const { path, text, bars } of sampleFiles({ ...options, instruments })) {
      if (context.signal.aborted) throw stopped();
      const target = join(context.projectDir, options.out, path);
      progress.note(path);
      counts.rows += bars.length;
      progress.rows(bars.length);
      const isThere = (await fileAt(target)) === 'file';
      if (!isThere) counts.written += 1;
      const digest = isThere
        ? await digestOf(target)
        : await publish(target, (temp) => writeFile(temp, text));
      files.push({ path: join(options.out, path), rows: bars.length, ...digest });
      progress.files(1);
    }
  } finally {
    progress.close();
  }
  context.metric(counts);
  const result = { outputs: { instruments, out: options.out, ...counts }, files };
  return counts.written > 0 ? result : { skip: 'the sample bars are there already', ...result };
}
