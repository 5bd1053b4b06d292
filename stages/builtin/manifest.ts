import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import type { ManifestFile } from '../contract.ts';
import { digestOf, fileExists, publish } from './publish.ts';

const unitSchema = z.object({
  /** Hash of the code's version, the options and the inputs: equal means the outputs would be the same bytes. */
  key: z.string(),
  written_by: z.object({ run: z.string(), attempt: z.number() }),
  /** Path below the input folder → SHA-256. */
  inputs: z.record(z.string(), z.string()),
  /** Paths are below the output folder. */
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string(), rows: z.number() })),
  counts: z.record(z.string(), z.number()),
  /** The result depends on the day it is made (a row dated in the future), so it is never "unchanged". */
  recheck: z.boolean().optional(),
});
const manifestSchema = z.object({ units: z.record(z.string(), unitSchema) });

/** What is recorded of one instrument. */
export type Unit = z.infer<typeof unitSchema>;
type Manifest = z.infer<typeof manifestSchema>;

/** The manifest of an output folder; one that is missing or damaged counts as empty, which costs work and never truth. */
export async function readManifest(out: string): Promise<Manifest> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')));
  } catch {
    return { units: {} };
  }
}

export async function writeManifest(out: string, manifest: Manifest): Promise<void> {
  const units = Object.fromEntries(Object.entries(manifest.units).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  await publish(join(out, 'manifest.json'), (temp) => writeFile(temp, `${JSON.stringify({ units }, null, 1)}\n`));
}

export function unitKey(version: number, options: unknown, inputs: Record<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify([version, options, inputs]))
    .digest('hex');
}

/** Whether every file of the unit is still there with the bytes that were recorded: an old file alone proves nothing. */
export async function outputsHold(out: string, unit: Unit, signal: AbortSignal): Promise<boolean> {
  for (const file of unit.files) {
    const path = join(out, file.path);
    if (!(await fileExists(path)) || (await digestOf(path, signal)).sha256 !== file.sha256) return false;
  }
  return true;
}

/** The files of these units as the attempt's manifest names them: relative to the project, with forward slashes. */
export function vouchedFiles(projectDir: string, out: string, units: Unit[]): ManifestFile[] {
  return units.flatMap((unit) =>
    unit.files.map((file) => ({ ...file, path: relative(projectDir, join(out, file.path)).split(sep).join('/') })),
  );
}
