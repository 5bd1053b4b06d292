import { relative } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { type StageContext, StageFailure } from '../contract.ts';
import { type Database, openDatabase, stopped } from './duckdb.ts';
import { outputsHold, readManifest, type Unit, unitKey, writeManifest } from './manifest.ts';
import { digestOf, makeFolder, sweepTemps } from './publish.ts';

/** One instrument and the files it is made from, absolute, in the order in which later rows beat earlier ones. */
export type Source = { name: string; files: string[] };
export type Built = Pick<Unit, 'files' | 'counts' | 'recheck'>;

type Job = {
  /** Raised whenever the code would make other bytes of the same input. */
  version: number;
  input: string;
  out: string;
  options: unknown;
  sources: Source[];
  build(source: Source, database: Database, note: (text: string) => void): Promise<Built>;
};

export type Refreshed = {
  units: Record<string, Unit>;
  /** Names of the instruments that were made anew in this attempt. */
  rebuilt: string[];
  /** The first failure of an instrument; the others were done all the same, so a retry repeats only this one. */
  failure: StageFailure | null;
};

/** Makes again exactly those instruments whose inputs, options or outputs are not those of the manifest. */
export async function refresh(context: StageContext, job: Job): Promise<Refreshed> {
  const { signal } = context;
  await makeFolder(job.out);
  await sweepTemps(job.out);
  const manifest = await readManifest(job.out);
  const refreshed: Refreshed = { units: {}, rebuilt: [], failure: null };
  const failures: StageFailure[] = [];
  const progress = startProgress(context, job.sources.length);
  let database: Database | null = null;
  try {
    for (const source of job.sources) {
      progress.note(source.name);
      const inputs = await hashInputs(job.input, source, signal);
      const key = unitKey(job.version, job.options, inputs);
      const known = manifest.units[source.name];
      if (known?.key === key && !known.recheck && (await outputsHold(job.out, known, signal))) {
        refreshed.units[source.name] = known;
      } else {
        try {
          database ??= await openDatabase(context);
          const built = await job.build(source, database, (text) => progress.note(`${source.name} ${text}`));
          // The hashes were taken first: a file that grew meanwhile must not be recorded as read.
          if (unitKey(job.version, job.options, await hashInputs(job.input, source, signal)) !== key)
            throw new StageFailure('input-changed', `The input of ${source.name} changed while it was read.`);
          const unit = { key, written_by: { run: context.runId, attempt: context.attempt }, inputs, ...built };
          manifest.units[source.name] = unit;
          refreshed.units[source.name] = unit;
          refreshed.rebuilt.push(source.name);
          await writeManifest(job.out, manifest);
        } catch (error) {
          if (!(error instanceof StageFailure) || signal.aborted) throw error;
          context.log(`error: ${source.name}: ${error.code}: ${error.message}`);
          failures.push(error);
        }
      }
      progress.step();
    }
  } finally {
    progress.close();
    await database?.close();
  }
  refreshed.failure = summarize(failures);
  return refreshed;
}

/** The sum of one count over some units. */
export const total = (units: Unit[], count: string) => units.reduce((sum, unit) => sum + (unit.counts[count] ?? 0), 0);

async function hashInputs(input: string, source: Source, signal: AbortSignal): Promise<Record<string, string>> {
  const inputs: Record<string, string> = {};
  for (const file of source.files) {
    try {
      inputs[relative(input, file)] = (await digestOf(file, signal)).sha256;
    } catch (error) {
      if (signal.aborted) throw stopped();
      throw new StageFailure('unreadable-input', `Cannot read ${file}: ${(error as Error).message}`);
    }
  }
  return inputs;
}

function summarize(failures: StageFailure[]): StageFailure | null {
  const [first, ...rest] = failures;
  if (!first || rest.length === 0) return first ?? null;
  return new StageFailure(first.code, `${first.message} (and ${rest.length} more, see the log)`, {
    retryable: failures.some((failure) => failure.retryable),
  });
}

/** Reports at once and then twice a second, so that a long query is never taken for silence. */
function startProgress(context: StageContext, all: number) {
  let done = 0;
  let current = '';
  const report = () => context.progress({ done, total: all, unit: 'instruments', note: current });
  const beat = setInterval(report, 500);
  return {
    note(text: string) {
      current = text;
      report();
    },
    step() {
      done += 1;
      report();
    },
    close: () => clearInterval(beat),
  };
}
