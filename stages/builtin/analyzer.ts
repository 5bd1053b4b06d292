import { join } from 'node:path';
import type { StageContext, StageResult } from '../contract.ts';
import { analyzeSource } from './analyzer/analyze.ts';
import { contentOf, optionsSchema } from './analyzer/options.ts';
import { type Refreshed, refresh, totalOf } from './incremental.ts';
import { specOf } from './instruments.ts';
import { parquetSources, readOptions, resolveFolders } from './options.ts';
import { countsOf, outcomeOf } from './outcome.ts';

/**
 * Bars to break-outs, `out/{INST}.parquet`: of daily bars (`in/{INST}.parquet`) one row a day on
 * the range of the day before, of intraday bars (below `in/{INST}/`) one row per day, session and
 * slot on the opening range.
 * @throws StageFailure `bad-options`, `missing-input`, `unreadable-input`, `unsupported-interval`,
 * `input-changed`, `unwritable-target`, `out-of-memory`, `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const options = readOptions(optionsSchema, context);
  const { input, out } = resolveFolders(context, options.in, options.out);
  const isDaily = (name: string, files: string[]) =>
    files.every((file) => file === join(input, `${name}.parquet`));
  const found = await parquetSources(context, input);
  const sources = found.filter(
    ({ name, files }) => isDaily(name, files) || specOf(name, options.specs),
  );
  const unknown = found.filter((source) => !sources.includes(source)).map(({ name }) => name);
  if (unknown.length > 0)
    context.log(`warning: ${unknown.join(', ')} left out: give tick and target in "specs"`);

  const refreshed = await refresh(context, {
    version: 2,
    input,
    out,
    options: contentOf(options),
    sources,
    limits: options,
    targets: (name) => [join(out, `${name}.parquet`)],
    build: (task) =>
      analyzeSource(task, { out, options, isDaily: isDaily(task.source.name, task.source.files) }),
  });
  return outcomeOf(context, refreshed, {
    out,
    to: options.out,
    onFailure: options.on_failure,
    changed: changedOf(refreshed),
    idle:
      found.length === 0
        ? 'no new input: no translated file'
        : 'no new input: all instruments are analysed',
    counts: countsOf(refreshed, ['rows', 'trades', 'open', 'pending']),
  });
}

/**
 * An instrument that was looked at again, because a day of it is not over, may have come out the
 * same.
 */
const changedOf = ({ rebuilt, units }: Refreshed) =>
  rebuilt.filter((name) => totalOf([units[name]!], 'written') > 0);
