import { createHash } from 'node:crypto';
import { glob, stat } from 'node:fs/promises';
import { matchesGlob, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { RunContext } from '../../machines/context.ts';
import { Failed } from '../../stages/attempt-failed.ts';
import type { ManifestFile } from '../../stages/contract.ts';
import { filesOf } from '../../stages/evidence.ts';
import { withLocalMessage } from '../../stages/local-paths.ts';
import { openWritten, readWrittenJson, UnreadableFile } from '../../stages/written-file.ts';
import { attemptDirOf, workspaceOf, workspaceOwner } from '../host/paths.ts';
import type { EffectRunner } from '../interpreter/effects.ts';
import { insert, type Places, stageOf } from './stage-request.ts';

/**
 * File times come from the kernel's coarse clock, which may lag a few milliseconds behind the one
 * we read.
 */
const coarseClockMs = 10;

/** A file of a manifest has about 150 bytes in it. */
const maxManifestBytes = 16 * 1024 * 1024;
const manifestSchema = z.object({
  files: z.array(
    z.object({
      path: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      rows: z.number().optional(),
    }),
  ),
});

/**
 * Checks the files a stage promised: against its manifest, or without one by their age. Old files
 * prove nothing (S28).
 */
export const createVerifyRunner = (places: Places): EffectRunner => {
  const verify: EffectRunner = async (effect, run, signal) => {
    const stage = stageOf(run, effect);
    const facts = (run.snapshot as { context: RunContext }).context.stages[stage.name];
    const attempt = facts?.attempt ?? 0;
    const manifest = await readManifest(
      attemptDirOf(places.dataDir, run.runId, stage.name, attempt),
    );
    for (const { path, min } of insert(stage.files, run, places)) {
      const found = manifest
        ? await fromManifest(manifest, path, run.projectDir, signal)
        : await fromDisk(path, run.projectDir, (facts?.attemptStartedAt ?? 0) - coarseClockMs);
      if (found >= min) continue;
      const source = manifest ? 'vouched for in its manifest' : 'written since the attempt began';
      const message = `${stage.name} ended well but left ${found} of at least ${min} files ${path} ${source}`;
      throw new Failed({ code: 'missing-files', message, retryable: true });
    }
    return {};
  };
  return async (effect, run, signal) => {
    try {
      return await verify(effect, run, signal);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      // The names of files are a stage's words, too.
      const failure = places.secrets.maskOf(run).json(error.failure);
      const workspace = workspaceOf(places.dataDir, workspaceOwner(run));
      throw new Failed(withLocalMessage(failure, { projectDir: run.projectDir, workspace }));
    }
  };
};

const readManifest = async (attemptDir: string): Promise<ManifestFile[] | null> => {
  const bad = (why: string) =>
    new Failed({
      code: 'bad-manifest',
      message: `the manifest of the attempt cannot be read: ${why}`,
      retryable: true,
    });
  let raw: unknown;
  try {
    raw = await readWrittenJson(filesOf(attemptDir).manifest, maxManifestBytes);
  } catch (error) {
    throw error instanceof UnreadableFile ? bad(error.message) : error;
  }
  if (raw === undefined) return null;
  const parsed = manifestSchema.safeParse(raw);
  if (parsed.success) return parsed.data.files as ManifestFile[];
  const [issue] = parsed.error.issues;
  throw bad(`manifest.json is invalid at /${issue?.path.join('/')}: ${issue?.message}`);
};

const hashChunkBytes = 256 * 1024;

/** @returns null when the file is not as long as was said: then it need not be read */
const hashOf = async (path: string, bytes: number, signal: AbortSignal): Promise<string | null> => {
  const file = await openWritten(path);
  if (!file) throw new UnreadableFile(path, 'is not there');
  try {
    if (file.info.size !== bytes) return null;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(hashChunkBytes, bytes));
    for (let offset = 0; offset < bytes; ) {
      signal.throwIfAborted();
      const read = await file.fill(buffer.subarray(0, bytes - offset), offset);
      if (read === 0) return null;
      hash.update(buffer.subarray(0, read));
      offset += read;
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
};

const fromManifest = async (
  files: ManifestFile[],
  pattern: string,
  projectDir: string,
  signal: AbortSignal,
): Promise<number> => {
  let found = 0;
  for (const file of files) {
    const path = resolve(projectDir, file.path);
    if (!matchesGlob(path, resolve(projectDir, pattern))) continue;
    let hash: string | null;
    try {
      hash = await hashOf(path, file.bytes, signal);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      throw new Failed({
        code: 'missing-files',
        message: `${relative(projectDir, path)} stands in the manifest but cannot be read: ${error.message}`,
        retryable: true,
      });
    }
    if (hash !== file.sha256)
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
