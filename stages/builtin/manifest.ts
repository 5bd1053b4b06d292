import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import type { ManifestFile } from '../contract.ts';
import { openFile } from './find-files.ts';
import { digestOf, fileAt, publish } from './publish.ts';

const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  rows: z.number(),
});
const unitSchema = z.object({
  /**
   * Hash of the code's version, the options and the inputs: equal means the outputs would be the
   * same bytes.
   */
  key: z.string(),
  written_by: z.object({ run: z.string(), attempt: z.number() }),
  /** Path below the input folder → SHA-256. */
  inputs: z.record(z.string(), z.string()),
  /** Paths are below the output folder. */
  files: z.array(fileSchema),
  counts: z.record(z.string(), z.number()),
  /**
   * From this instant on (ms) the same inputs may give another result: a bar of the future has
   * come, a day is over.
   */
  recheck_at: z.number().optional(),
  /** What the stage itself wants to know of its last time. */
  notes: z.unknown().optional(),
});

/** A file that a unit vouches for. */
export type OutFile = z.infer<typeof fileSchema>;
/** What is recorded of one instrument. */
export type Unit = z.infer<typeof unitSchema>;

/**
 * One manifest an instrument: a retry repeats only those that are missing, and two processes never
 * write the same one.
 */
export const manifestPath = (out: string, name: string) => join(out, 'manifests', `${name}.json`);

/** The instruments that something was made of before, whether or not their manifests are whole. */
export async function knownNames(out: string): Promise<string[]> {
  const entries = await readdir(join(out, 'manifests')).catch(() => []);
  return entries.filter((entry) => /^[^.].*\.json$/.test(entry)).map((entry) => entry.slice(0, -5));
}

/** @returns null when it is missing or damaged, which costs work and never truth */
export async function readManifest(out: string, name: string): Promise<Unit | null> {
  try {
    await using file = await openFile(manifestPath(out, name));
    return unitSchema.parse(JSON.parse(await file.readFile('utf8')));
  } catch {
    return null;
  }
}

export async function writeManifest(out: string, name: string, unit: Unit): Promise<void> {
  await publish(manifestPath(out, name), (temp) =>
    writeFile(temp, `${JSON.stringify(unit, null, 1)}\n`),
  );
}

export const hashOf = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex');

/**
 * Whether a file is still there with the bytes that were recorded: an old file alone proves
 * nothing.
 */
export const holds = async (out: string, file: OutFile, signal: AbortSignal): Promise<boolean> => {
  const path = join(out, file.path);
  return (await fileAt(path)) === 'file' && (await digestOf(path, signal)).sha256 === file.sha256;
};

/** @see holds, for every file of the unit. */
export async function outputsHold(out: string, unit: Unit, signal: AbortSignal): Promise<boolean> {
  for (const file of unit.files) if (!(await holds(out, file, signal))) return false;
  return true;
}

/**
 * The files of these units as the attempt's manifest names them: relative to the project, with
 * forward slashes.
 */
export function vouchedFiles(projectDir: string, out: string, units: Unit[]): ManifestFile[] {
  return units.flatMap((unit) =>
    unit.files.map((file) => ({
      ...file,
      path: relative(projectDir, join(out, file.path)).split(sep).join('/'),
    })),
  );
}
