import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, stat, statfs, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { sizeText } from '../../definition/byte-size.ts';
import { plainError } from '../host/plain-error.ts';
import { StartTrouble, startTroubleOf } from '../host/start-trouble.ts';
import { runFolders, storeFiles } from '../sqlite/put-back.ts';
import {
  type BackupHead,
  type BackupManifest,
  headName,
  headSchema,
  manifestName,
  manifestSchema,
} from './backup-format.ts';

type Unpacked = { head: BackupHead; manifest: BackupManifest };
type Found = { path: string; bytes: number; sha256: string };
type Body = ReadableStream<Uint8Array>;

const another = 'name a file that stagewright backup has written';
const foreign = (file: string, why: string): StartTrouble =>
  new StartTrouble(`${file} is no backup of Stagewright (${why})`, another);
const damaged = (file: string, why: string): StartTrouble =>
  new StartTrouble(
    `${file} is damaged (${why}), and nothing was changed`,
    'take another copy of it, or an older backup',
  );

/** Only what a backup has in it, and nothing that leads out of the folder. */
const isOurs = (name: string): boolean => {
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return false;
  return parts.length === 1 && !runFolders.some((folder) => folder === parts[0])
    ? name === storeFiles[0]
    : runFolders.some((folder) => folder === parts[0]);
};

const maxTextBytes = 512 * 1024 ** 2;
const textOf = async (body: Body): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxTextBytes) throw new Error('a list in it is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const unpackFile = async (
  to: string,
  { name, mode, mtime }: { name: string; mode?: number; mtime?: Date },
  body: Body,
): Promise<Found> => {
  const path = join(to, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let bytes = 0;
  const out = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
      await out.writeFile(chunk);
    }
    await out.chmod((mode ?? 0o600) & 0o777);
  } finally {
    await out.close();
  }
  if (mtime) await utimes(path, mtime, mtime);
  return { path: name, bytes, sha256: hash.digest('hex') };
};

const syncedAtOnce = 32;
/** After all was written: each file for itself, while others are written, would wait for all of them. */
const syncAll = async (to: string, found: Found[]): Promise<void> => {
  for (let index = 0; index < found.length; index += syncedAtOnce)
    await Promise.all(
      found.slice(index, index + syncedAtOnce).map(async ({ path }) => {
        // Its mode may close it to ourselves.
        const file = await open(join(to, path)).catch(() => null);
        await file?.datasync().finally(() => file.close());
      }),
    );
};

const assertRoom = async (to: string, head: BackupHead): Promise<void> => {
  const { bavail, bsize } = await statfs(to);
  if (bavail * bsize >= head.bytes) return;
  throw new StartTrouble(
    `${to} has ${sizeText(bavail * bsize)} free, and what is in the backup takes ${sizeText(head.bytes)}`,
    'make room there, or name another folder with --data-dir',
  );
};

/** What a file is, as its first entry says it. @throws StartTrouble by name */
const headOf = (file: string, text: string, knownSchema: number): BackupHead => {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw foreign(file, `${headName} in it is no JSON`);
  }
  const format = (said as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > 1)
    throw new StartTrouble(
      `${file} was written by a newer version (format ${format}, this one knows 1)`,
      'restore it with that version',
    );
  const head = headSchema.safeParse(said);
  if (!head.success) throw foreign(file, `${headName} in it says something else`);
  if (head.data.schema > knownSchema)
    throw new StartTrouble(
      `${file} was written by a newer version (${head.data.version}: schema ${head.data.schema}, this one knows ${knownSchema})`,
      'restore it with that version',
    );
  return head.data;
};

/** Every file is there as it was written, and no other. */
const assertComplete = (file: string, found: Found[], { files }: BackupManifest): void => {
  const byPath = new Map(found.map((one) => [one.path, one]));
  for (const { path, bytes, sha256 } of files) {
    const one = byPath.get(path);
    if (!one) throw damaged(file, `${path} is missing`);
    if (one.bytes !== bytes || one.sha256 !== sha256)
      throw damaged(file, `${path} is not what was written`);
    byPath.delete(path);
  }
  const [more] = byPath.keys();
  if (more !== undefined) throw foreign(file, `${more} was added to it`);
};

const unpackEntries = async (
  options: { file: string; to: string; knownSchema: number },
  progress: { head: BackupHead | null },
): Promise<Unpacked> => {
  const { file, to, knownSchema } = options;
  const found: Found[] = [];
  const links: { path: string; target: string }[] = [];
  const folders: { path: string; mode: number }[] = [];
  let manifest: BackupManifest | null = null;
  const unzipped = createReadStream(file).on('error', (error) => unzippedTo.destroy(error));
  const unzippedTo = createGunzip();
  unzipped.pipe(unzippedTo);
  const stream = Readable.toWeb(unzippedTo) as ReadableStream<Uint8Array<ArrayBuffer>>;
  for await (const { header, body } of stream.pipeThrough(createTarDecoder({ strict: true }))) {
    const { name, type = 'file', mode = 0o700, linkname } = header;
    if (manifest) throw foreign(file, `${name} was added to it`);
    if (!progress.head) {
      if (name !== headName) throw foreign(file, `it begins with ${name}`);
      progress.head = headOf(file, await textOf(body), knownSchema);
      await assertRoom(to, progress.head);
    } else if (name === manifestName)
      manifest = manifestSchema.parse(JSON.parse(await textOf(body)));
    else if (!isOurs(name)) throw foreign(file, `${name} is none of its files`);
    else if (type === 'directory') {
      await mkdir(join(to, name), { recursive: true, mode: 0o700 });
      folders.push({ path: join(to, name), mode: mode & 0o777 });
      await body.cancel();
    } else if (type === 'symlink') {
      links.push({ path: join(to, name), target: linkname ?? '' });
      await body.cancel();
    } else if (type === 'file') found.push(await unpackFile(to, header, body));
    else throw foreign(file, `${name} is a ${type}`);
  }
  if (!progress.head) throw foreign(file, 'it is empty');
  if (!manifest) throw damaged(file, 'its end is missing');
  assertComplete(file, found, manifest);
  await syncAll(to, found);
  // Last, so that nothing is ever written through one.
  for (const { path, target } of links) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await symlink(target, path);
  }
  for (const { path, mode } of folders.toReversed()) await chmod(path, mode);
  return { head: progress.head, manifest };
};

/**
 * Unpacks a backup into an empty folder and compares every file with what was written.
 * @throws StartTrouble for what is no backup, is damaged, is of a newer version, or has no room
 */
export const unpackBackup = async (options: {
  file: string;
  to: string;
  knownSchema: number;
}): Promise<Unpacked> => {
  const { file, to } = options;
  const info = await stat(file).catch(() => null);
  if (!info) throw new StartTrouble(`there is no ${file}`, another);
  if (!info.isFile()) throw foreign(file, 'it is no file');
  for (const folder of runFolders) await mkdir(join(to, folder), { mode: 0o700 });
  const progress = { head: null };
  try {
    return await unpackEntries(options, progress);
  } catch (error) {
    const trouble = startTroubleOf(error, to);
    if (trouble) throw trouble;
    const message = plainError(error) || 'it ends too soon';
    throw progress.head === null ? foreign(file, message) : damaged(file, message);
  }
};
