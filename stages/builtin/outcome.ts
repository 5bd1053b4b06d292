import { type StageContext, StageFailure, type StageResult } from '../contract.ts';
import { type Refreshed, totalOf } from './incremental.ts';
import { type LeftOut, namesOf } from './left-out.ts';
import { vouchedFiles } from './manifest.ts';

type Telling = {
  out: string;
  /** As the pipeline file says it, for the stage that reads it next. */
  to: string;
  onFailure: 'fail' | 'partial';
  counts: Record<string, number>;
  /** Names of the instruments whose output is another one than before. */
  changed: string[];
  leftOut: LeftOut;
  /** Why there was nothing to do, when nothing changed. */
  idle: string;
};

/**
 * What a stage answers when all its instruments are through: files, counts and outputs; skipped
 * when nothing changed.
 * @throws StageFailure the first of the failures, unless `onFailure` is partial and something
 * succeeded.
 */
export function outcomeOf(
  context: StageContext,
  refreshed: Refreshed,
  { out, to, onFailure, counts, changed, leftOut, idle }: Telling,
): StageResult {
  const units = Object.values(refreshed.units);
  const failed = Object.entries(refreshed.failures);
  const files = vouchedFiles(context.projectDir, out, units);
  context.metric({
    ...counts,
    files: files.length,
    changed: changed.length,
    failed: failed.length,
    left_out: leftOut.size,
  });
  if (failed.length > 0 && (onFailure === 'fail' || units.length === 0))
    throw summaryOf(failed.map(([, failure]) => failure));

  const outputs = {
    instruments: Object.keys(refreshed.units),
    changed,
    out: to,
    ...counts,
    files: files.length,
    left_out: namesOf(context, leftOut),
  };
  if (failed.length > 0) {
    const reasons = Object.fromEntries(
      failed.map(([name, { code, message }]) => [name, `${code}: ${message}`.slice(0, 1000)]),
    );
    const partial = `${failed.map(([name]) => name).join(', ')} failed; ${Object.keys(refreshed.units).length} succeeded`;
    context.log(`warning: partial: ${partial}`);
    return { outputs: { ...outputs, result: 'partial', failed: reasons }, partial, files };
  }
  const result = { outputs: { ...outputs, result: 'complete', failed: {} }, files };
  return changed.length > 0 ? result : { skip: idle, ...result };
}

/** Several counts, each summed over the units of this attempt. */
export const countsOf = (refreshed: Refreshed, names: string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, totalOf(Object.values(refreshed.units), name)]));

function summaryOf(failures: StageFailure[]): StageFailure {
  const [first, ...rest] = failures as [StageFailure, ...StageFailure[]];
  if (rest.length === 0) return first;
  return new StageFailure(first.code, `${first.message} (and ${rest.length} more, see the log)`, {
    retryable: failures.some((failure) => failure.retryable),
  });
}
