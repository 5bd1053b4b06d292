import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { glob, readFile, stat } from 'node:fs/promises';
import { join, matchesGlob, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RunContext } from '../../machines/context.ts';
import type { ManifestFile } from '../../stages/contract.ts';
import { type EffectRunner, Failed } from '../interpreter/effects.ts';
import { attemptDirOf } from '../paths.ts';
import { insert, type Places, stageOf } from './stage-request.ts';

/**
 * File times come from the kernel's coarse clock, which may lag a few milliseconds behind the one
 * we read.
 */
const coarseClockMs = 10;

/**
 * Checks the files a stage promised: against its manifest, or without one by their age. Old files
 * prove nothing (S28).
 */
export const createVerifyRunner = (places: Places): EffectRunner => {
  return async (effect, run) => {
    const stage = stageOf(run, effect);
    const facts = (run.snapshot as { context: RunContext }).context.stages[stage.name];
    const attempt = facts?.attempt ?? 0;
    const manifest = await readManifest(
      attemptDirOf(places.dataDir, run.runId, stage.name, attempt),
    );
    for (const { path, min } of insert(stage.files, run, places)) {
      const found = manifest
        ? await fromManifest(manifest, path, run.projectDir)
        : await fromDisk(path, run.projectDir, (facts?.attemptStartedAt ?? 0) - coarseClockMs);
      if (found >= min) continue;
      const source = manifest ? 'vouched for in its manifest' : 'written since the attempt began';
      const message = `${stage.name} ended well but left ${found} of at least ${min} files ${path} ${source}`;
      throw new Failed({ code: 'missing-files', message, retryable: true });
    }
    return {};
  };
};

const readManifest = async (attemptDir: string): Promise<ManifestFile[] | null> => {
  try {
    return (
      JSON.parse(await readFile(join(attemptDir, 'manifest.json'), 'utf8')) as {
        files: ManifestFile[];
      }
    ).files;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw new Failed({
      code: 'bad-manifest',
      message: 'the manifest of the attempt cannot be read',
      retryable: true,
    });
  }
};

const fromManifest = async (
  files: ManifestFile[],
  pattern: string,
  projectDir: string,
): Promise<number> => {
  let found = 0;
  for (const file of files) {
    const path = resolve(projectDir, file.path);
    if (!matchesGlob(path, resolve(projectDir, pattern))) continue;
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(path), hash);
    } catch {
      throw new Failed({
        code: 'missing-files',
        message: `${relative(projectDir, path)} stands in the manifest but cannot be read`,
        retryable: true,
      });
    }
    if (hash.digest('hex') !== file.sha256)
      throw new Failed({
        code: 'changed-file',
        message: `${relative(projectDir, path)} is not what the manifest says`,
        retryable: true,
      });
    found += 1;
  }
  return found;
};

const fromDisk = async (pattern: string, projectDir: string, sinceMs: number): Promise<number> => {
  let found = 0;
  for await (const path of glob(resolve(projectDir, pattern))) {
    const file = await stat(path).catch(() => null);
    if (file?.isFile() && file.mtimeMs >= sinceMs) found += 1;
  }
  return found;
};
