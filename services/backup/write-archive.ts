import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createTarPacker } from 'modern-tar';
import { openWritten, UnreadableFile, type WrittenFile } from '../../stages/written-file.ts';
import { archiveEnd } from './archive-end.ts';
import { type BackupManifest, manifestName } from './backup-format.ts';
import type { Entry } from './contents.ts';

const chunkBytes = 256 * 1024;

/** Takes one entry after the other. */
export type Packing = {
  text(name: string, text: string): Promise<void>;
  /** @param path where it lies; `name` where it will lie below a data directory */
  file(name: string, path: string): Promise<void>;
  entry(entry: Entry): Promise<void>;
};

const createPacking = (
  controller: ReturnType<typeof createTarPacker>['controller'],
  options: { dataDir: string; headSeq: number; manifest: BackupManifest },
): Packing => {
  const { dataDir, headSeq, manifest } = options;

  /** Exactly as long as it was said to be: a stage may cut its own file off meanwhile. */
  const copy = async (name: string, file: WrittenFile, length: number): Promise<void> => {
    const { mode, mtime } = file.info;
    const writer = controller
      .add({ name, size: length, mode: mode & 0o777, mtime, type: 'file' })
      .getWriter();
    const hash = createHash('sha256');
    for (let done = 0; done < length; ) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, length - done));
      await file.fill(chunk, done);
      hash.update(chunk);
      await writer.write(chunk);
      done += chunk.length;
    }
    await writer.close();
    manifest.files.push({ path: name, bytes: length, sha256: hash.digest('hex') });
  };

  const file: Packing['file'] = async (name, path) => {
    try {
      const found = await openWritten(path);
      if (!found) return;
      try {
        const isArchive = name.startsWith('archive/');
        const length = isArchive ? await archiveEnd(found, headSeq) : found.info.size;
        await copy(name, found, length);
      } finally {
        await found.close();
      }
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      manifest.left_out.push({ path: name, why: error.message });
    }
  };

  return {
    text: async (name, text) => {
      const bytes = Buffer.from(text);
      const writer = controller.add({ name, size: bytes.length, mode: 0o600 }).getWriter();
      await writer.write(bytes);
      await writer.close();
    },
    file,
    entry: async (entry) => {
      const { path } = entry;
      if (entry.kind === 'file') await file(path, join(dataDir, path));
      else if (entry.kind === 'odd') manifest.left_out.push({ path, why: entry.why });
      else {
        const isFolder = entry.kind === 'folder';
        const header = isFolder
          ? {
              name: `${path}/`,
              type: 'directory' as const,
              mode: entry.mode,
              mtime: entry.changedAt,
            }
          : { name: path, type: 'symlink' as const, linkname: entry.target };
        await controller.add({ ...header, size: 0 }).close();
      }
    },
  };
};

/**
 * Writes a compressed tar file that must not be there yet, and syncs it.
 * @returns what is in it
 */
export const writeArchive = async (
  target: string,
  from: { dataDir: string; headSeq: number },
  fill: (packing: Packing) => Promise<void>,
): Promise<BackupManifest> => {
  const manifest: BackupManifest = { files: [], left_out: [] };
  const { readable, controller } = createTarPacker();
  const piped = pipeline(
    Readable.fromWeb(readable),
    createGzip(),
    createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }),
  );
  const filled = async (): Promise<void> => {
    const packing = createPacking(controller, { ...from, manifest });
    await fill(packing);
    await packing.text(manifestName, JSON.stringify(manifest));
    controller.finalize();
  };
  const filling = filled();
  // Who cannot write takes nothing more, and says so itself.
  filling.catch((error) => controller.error(error));
  await Promise.race([piped, Promise.all([filling, piped])]);
  return manifest;
};
