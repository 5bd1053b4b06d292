import { readdir, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { type StageContext, StageFailure } from '../contract.ts';
import { type Database, openDatabase, spillPrefix, stopped, wholeShare } from './duckdb.ts';
import {
  hashOf,
  manifestPath,
  outputsHold,
  readManifest,
  type Unit,
  writeManifest,
} from './manifest.ts';
import { digestOf, makeFolder, sweepTemps } from './publish.ts';
import { type Progress, startProgress } from './stage-progress.ts';

/** What a file was when it was looked at: its content, and what no writer leaves as it was. */
type Seen = { stamp: string; sha256: string };
/**
 * One instrument and the files it is made from, absolute, in the order in which later rows beat
 * earlier ones. `seen` has those that were looked at already.
 */
export type Source = {
  name: string;
  files: string[];
  seen?: ReadonlyMap<string, Seen>;
  /** Why it cannot be made; what was made of it before stays as it is. */
  fault?: StageFailure;
};
export type Built = Pick<Unit, 'files' | 'counts' | 'recheck_at' | 'notes'>;

/** What a stage gets to make one unit with. */
export type Task = {
  source: Source;
  database: Database;
  /** Path below the input folder → SHA-256. */
  inputs: Record<string, string>;
  /** What was recorded last time, whether or not it still holds. */
  known: Unit | null;
  /** Records what is done so far; the unit counts as unfinished all the same. */
  checkpoint(built: Built): Promise<void>;
  progress: Progress;
};

type Limits = { workers?: number | undefined; memory_mb?: number | undefined };
type Job = {
  /** Raised whenever the code would make other bytes of the same input. */
  version: number;
  input: string;
  out: string;
  options: unknown;
  sources: Source[];
  limits: Limits;
  /** The files beside its own folder `out/{name}` that a unit may write. */
  targets(name: string): string[];
  build(task: Task): Promise<Built>;
};

export type Refreshed = {
  units: Record<string, Unit>;
  /** Names of the instruments that were made anew in this attempt. */
  rebuilt: string[];
  /**
   * The instruments that failed; the others were done all the same, so a retry repeats only these.
   */
  failures: Record<string, StageFailure>;
};

/**
 * Makes again exactly those instruments whose inputs, options or outputs are not those of their
 * manifest, a few at a time.
 */
export async function refresh(context: StageContext, job: Job): Promise<Refreshed> {
  await makeFolder(job.out);
  const refreshed: Refreshed = { units: {}, rebuilt: [], failures: {} };
  const progress = startProgress(
    context,
    job.sources.length,
    total(job.sources.map(({ files }) => files.length)),
  );
  const waiting = [...job.sources];
  const workers = Math.max(
    1,
    Math.min(job.limits.workers ?? availableParallelism(), waiting.length),
  );
  const share = {
    threads: Math.max(1, Math.floor(wholeShare.threads / workers)),
    memoryMb: Math.floor((job.limits.memory_mb ?? wholeShare.memoryMb) / workers),
  };

  const settle = async (source: Source): Promise<void> => {
    const { unit, isNew } = await refreshUnit(
      context,
      job,
      source,
      (name) => openDatabase(context, name, share),
      progress,
    );
    refreshed.units[source.name] = unit;
    if (isNew) refreshed.rebuilt.push(source.name);
  };
  const work = async (): Promise<void> => {
    for (let source = waiting.shift(); source; source = waiting.shift()) {
      progress.note(source.name);
      try {
        if (source.fault) throw source.fault;
        await settle(source);
      } catch (error) {
        if (context.signal.aborted) throw stopped();
        const failure = failureOf(source.name, error);
        context.log(`error: ${source.name}: ${failure.code}: ${failure.message}`);
        refreshed.failures[source.name] = failure;
      }
      progress.finish(source.files.length);
    }
  };
  try {
    // All of them end before anybody is told, so that no query is at work when the process leaves.
    const ends = await Promise.allSettled(Array.from({ length: workers }, work));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    progress.close();
  }
  return sorted(refreshed, job.sources);
}

type Open = (name: string) => Promise<Database>;

async function refreshUnit(
  context: StageContext,
  job: Job,
  source: Source,
  open: Open,
  progress: Progress,
) {
  const { out, input } = job;
  const { signal } = context;
  const { name } = source;
  await sweepTemps([manifestPath(out, name), ...job.targets(name)], join(out, name));
  await sweepSpills(context, name);
  const known = await readManifest(out, name);
  const seen = await seenFiles(source, signal);
  const inputs = Object.fromEntries(
    seen.map(({ sha256 }, index) => [relative(input, source.files[index]!), sha256]),
  );
  const key = hashOf([job.version, job.options, inputs]);
  if (
    known?.key === key &&
    Date.now() < (known.recheck_at ?? Number.POSITIVE_INFINITY) &&
    (await outputsHold(out, known, signal))
  )
    return { unit: known, isNew: false };

  const unitOf = (unitKey: string, built: Built): Unit => ({
    key: unitKey,
    written_by: { run: context.runId, attempt: context.attempt },
    inputs,
    ...built,
  });
  const database = await open(name);
  try {
    const checkpoint = (built: Built) => writeManifest(out, name, unitOf('unfinished', built));
    const built = await job.build({ source, database, inputs, known, checkpoint, progress });
    // The hashes were taken first: a file that changed meanwhile must not be recorded as read.
    for (const [index, file] of source.files.entries())
      if ((await stampOf(file)) !== seen[index]!.stamp)
        throw new StageFailure('input-changed', `The input of ${name} changed while it was read.`);
    const unit = unitOf(key, built);
    await writeManifest(out, name, unit);
    return { unit, isNew: true };
  } finally {
    await database.close();
  }
}

/** Removes what DuckDB of a killed attempt spilled for this unit. */
async function sweepSpills(context: StageContext, name: string): Promise<void> {
  const prefix = spillPrefix(context, name);
  const entries = await readdir(context.workspace).catch(() => []);
  for (const entry of entries.filter(
    (entry) => entry.startsWith(prefix) && /^\d+$/.test(entry.slice(prefix.length)),
  ))
    await rm(join(context.workspace, entry), { recursive: true, force: true });
}

const total = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0);

/** The sum of one count over some units. */
export const totalOf = (units: Unit[], count: string) =>
  total(units.map((unit) => unit.counts[count] ?? 0));

/** Size, time and inode: no writer changes a file without changing one of them. */
async function stampOf(file: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(file, { bigint: true }).catch(unreadable(file));
  return `${size} ${mtimeNs} ${ino}`;
}

async function seenFiles({ files, seen }: Source, signal: AbortSignal): Promise<Seen[]> {
  const all: Seen[] = [];
  for (const file of files) {
    const known = seen?.get(file);
    if (known) all.push(known);
    else {
      // The stamp is taken first, so that a change while the file is hashed shows.
      const stamp = await stampOf(file);
      const { sha256 } = await digestOf(file, signal).catch((error) =>
        signal.aborted ? Promise.reject(stopped()) : unreadable(file)(error),
      );
      all.push({ stamp, sha256 });
    }
  }
  return all;
}

const unreadable = (file: string) => (error: Error) => {
  throw new StageFailure('unreadable-input', `Cannot read ${file}: ${error.message}`);
};

/** What is no failure of a stage is a bug in one; it too costs one instrument and no other. */
const failureOf = (name: string, error: unknown): StageFailure =>
  error instanceof StageFailure
    ? error
    : new StageFailure('instrument-failed', `${name}: ${(error as Error).message}`);

/** In the order of the sources, however the workers came through. */
function sorted({ units, rebuilt, failures }: Refreshed, sources: Source[]): Refreshed {
  const pick = <T>(of: Record<string, T>) =>
    Object.fromEntries(
      sources.flatMap(({ name }) => (name in of ? [[name, of[name] as T] as const] : [])),
    );
  return {
    units: pick(units),
    failures: pick(failures),
    rebuilt: sources.map(({ name }) => name).filter((name) => rebuilt.includes(name)),
  };
}
