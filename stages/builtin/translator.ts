import { join } from 'node:path';
import type { StageContext, StageResult } from '../contract.ts';
import { refresh } from './incremental.ts';
import { readOptions, resolveFolders } from './options.ts';
import { countsOf, outcomeOf } from './outcome.ts';
import { translateDaily } from './translator/daily.ts';
import { translateIntraday } from './translator/intraday.ts';
import { findSources } from './translator/sources.ts';
import { contentOf, optionsSchema, translatorVersion } from './translator/translator-options.ts';

/**
 * Raw CSV bars, `raw/{INST}/*.csv` (daily) or `raw/{INST}/1m/**` (intraday), to Parquet:
 * `out/{INST}.parquet`, or one file per trading day below `out/{INST}/`. Rejected rows go to
 * `out/rejects/{INST}.csv`.
 * @throws StageFailure `bad-options`, `missing-input`, `unreadable-input`, `too-many-rejects`,
 * `input-changed`, `unwritable-target`, `out-of-memory`, `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const options = readOptions(optionsSchema, context);
  const { input: raw, out } = resolveFolders(context, options.raw, options.out);
  const { sources, raws, leftOut } = await findSources(context, raw, out, options);
  const work = { raw, out, options, raws, signal: context.signal };
  const refreshed = await refresh(context, {
    version: translatorVersion,
    input: raw,
    out,
    options: contentOf(options),
    sources,
    limits: options,
    targets: (name) => [join(out, `${name}.parquet`), join(out, 'rejects', `${name}.csv`)],
    build: (task) =>
      options.layout === 'daily' ? translateDaily(task, work) : translateIntraday(task, work),
  });
  const idle =
    sources.length === 0
      ? `no new input: no ${options.layout} CSV file`
      : 'no new input: all files are translated';
  return outcomeOf(context, refreshed, {
    out,
    to: options.out,
    onFailure: options.on_failure,
    changed: refreshed.rebuilt,
    leftOut,
    idle,
    counts: countsOf(refreshed, ['rows', 'rejected', 'duplicates']),
  });
}
