import { join, relative } from 'node:path';
import { z } from 'zod';
import type { StageContext, StageResult } from '../contract.ts';
import { refresh, type Source, totalOf } from './incremental.ts';
import type { LeftOut } from './left-out.ts';
import { mergeSource } from './merger/merge.ts';
import {
  askedInstruments,
  missingInput,
  parquetSources,
  readOptions,
  resolveFolders,
  unitOptions,
} from './options.ts';
import { countsOf, outcomeOf } from './outcome.ts';

export const optionsSchema = z.strictObject({
  ...unitOptions,
  in: z.string().min(1),
  out: z.string().min(1),
  /**
   * An instrument with a greater share of rows without a whole key, and at least ten of them,
   * fails; 0 allows none at all.
   */
  max_reject_ratio: z.number().min(0).max(1).default(0.01),
});

/**
 * `in/{INST}.parquet` into `out/{INST}/{session}/{YYYY-MM}.parquet`; key date + slot + session +
 * instrument, new beats old. Only months that change are written, and nothing is ever deleted. Rows
 * that are rejected go to `out/rejects/{INST}.csv`.
 * @throws StageFailure `bad-options`, `missing-input`, `unreadable-input`, `unreadable-target`,
 * `schema-mismatch`, `too-many-rejects`, `input-changed`, `unwritable-target`, `out-of-memory`,
 * `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const options = readOptions(optionsSchema, context);
  const { input, out } = resolveFolders(context, options.in, options.out);
  const { sources: found, leftOut } = await parquetSources(context, input);
  const sources = onlyWhole(found, input, leftOut, askedInstruments(context).names);
  const refreshed = await refresh(context, {
    version: 2,
    input,
    out,
    options: options.max_reject_ratio,
    sources,
    limits: options,
    targets: (name) => [join(out, 'rejects', `${name}.csv`)],
    build: (task) => mergeSource(context, task, { out, maxRejectRatio: options.max_reject_ratio }),
  });

  // Of an instrument that was not merged again every row is unchanged.
  const merged = refreshed.rebuilt.map((name) => refreshed.units[name]!);
  const [inserted, updated, written] = ['inserted', 'updated', 'written'].map((count) =>
    totalOf(merged, count),
  ) as [number, number, number];
  const sums = countsOf(refreshed, ['rows', 'rejected', 'duplicates']);
  return outcomeOf(context, refreshed, {
    out,
    to: options.out,
    onFailure: options.on_failure,
    leftOut,
    counts: { ...sums, inserted, updated, unchanged: sums['rows']! - inserted - updated, written },
    changed: refreshed.rebuilt.filter((name) => totalOf([refreshed.units[name]!], 'written') > 0),
    idle:
      sources.length === 0
        ? 'no new input: no analysed file'
        : 'nothing to merge: 0 inserted, 0 updated',
  });
}

/**
 * The merger reads `{INST}.parquet`; what else bears an instrument's name is named as left out. One
 * that has nothing else fails when it was asked for.
 */
function onlyWhole(found: Source[], input: string, leftOut: LeftOut, asked: string[]): Source[] {
  const sources: Source[] = [];
  for (const source of found) {
    const whole = join(input, `${source.name}.parquet`);
    const files = source.files.filter((file) => file === whole);
    for (const file of source.files.filter((file) => file !== whole))
      leftOut.set(relative(input, file), 'not a file of break-outs');
    if (files.length > 0 || source.fault) sources.push({ ...source, files });
    else if (asked.includes(source.name))
      sources.push({ name: source.name, files, fault: missingInput(`There is no ${whole}.`) });
  }
  return sources;
}
