import { join } from 'node:path';
import { type StageContext, StageFailure, type StageResult } from '../contract.ts';
import { analyzeSource } from './analyzer/analyze.ts';
import { contentOf, optionsSchema } from './analyzer/analyzer-options.ts';
import { type Refreshed, refresh, type Source, totalOf } from './incremental.ts';
import { specOf } from './instruments.ts';
import { askedInstruments, parquetSources, readOptions, resolveFolders } from './options.ts';
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
  const { sources: found, leftOut } = await parquetSources(context, input);
  const isUnknown = ({ name, files, fault }: Source) =>
    !fault && !isDaily(name, files) && !specOf(name, options.specs);
  const unknown = found.filter(isUnknown).map(({ name }) => name);
  const asked = askedInstruments(context).names;
  const sources = found
    .filter(({ name }) => !unknown.includes(name) || asked.includes(name))
    .map((source) => (unknown.includes(source.name) ? withoutSpec(source) : source));
  const strangers = unknown.filter((name) => !asked.includes(name));
  for (const name of strangers) leftOut.set(name, specsNeeded);
  if (strangers.length > 0) context.warn(`${strangers.join(', ')} left out: ${specsNeeded}`);

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
    leftOut,
    idle:
      found.length === 0
        ? 'no new input: no translated file'
        : 'no new input: all instruments are analysed',
    counts: countsOf(refreshed, ['rows', 'trades', 'open', 'pending']),
  });
}

const specsNeeded = 'give tick and target in "specs"';
/** One that was asked for must not be left out in silence. */
const withoutSpec = (source: Source): Source => ({
  ...source,
  fault: new StageFailure('bad-options', `${source.name}: ${specsNeeded}`, { retryable: false }),
});

/**
 * An instrument that was looked at again, because a day of it is not over, may have come out the
 * same.
 */
const changedOf = ({ rebuilt, units }: Refreshed) =>
  rebuilt.filter((name) => totalOf([units[name]!], 'written') > 0);
