import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packTar, unpackTar } from 'modern-tar';
import { restoreBackup } from '../../../services/backup/restore.ts';
import { writeBackup } from '../../../services/backup/write-backup.ts';
import { stagewright } from '../../support/serve.ts';
import { baseEnv, ended, type Running, runService, startRequest } from '../../support/service.ts';
import { openSmallDisk } from '../../support/small-disk.ts';
import { faults, pipelines, shelf } from './kit.ts';

const program = fileURLToPath(new URL('../../../bin/stagewright.mjs', import.meta.url));
let on: Running;
let files: string;
let backup: string;
beforeEach(async () => {
  on = await runService({ pipelines });
  files = await shelf();
  const { status } = await on.orchestrator.start(startRequest('quick'));
  await ended(on.orchestrator, status.run_id as string);
  backup = join(files, 'whole');
  await write(backup);
});
afterEach(async () => {
  await on.close();
  await rm(files, { recursive: true });
});

const write = (file: string, dataDir = on.dataDir) =>
  writeBackup({ dataDir, file, hasWorkspaces: false, version: '1.2.3', wallMs: Date.now });
const restore = (file: string, dataDir = join(files, 'data'), isForced = false) =>
  restoreBackup({ file, dataDir, isForced, meta: {}, wallMs: Date.now });
/** What it says; nothing but the right to the folder is there afterwards. */
const refusal = async (file: string): Promise<string> => {
  const dataDir = join(files, 'data');
  const said = await restore(file, dataDir).then(
    () => 'restored',
    (error: Error) => error.message,
  );
  expect(readdirSync(dataDir).filter((name) => !name.startsWith('owner'))).toEqual([]);
  return said;
};
type Entries = Awaited<ReturnType<typeof unpackTar>>;
/** The backup with other entries. */
const changed = async (change: (entries: Entries) => Entries): Promise<string> => {
  const file = join(files, 'changed');
  const entries = await unpackTar(gunzipSync(readFileSync(backup)));
  const made = change(entries).map(({ header, data }) => ({
    header: { ...header, size: data?.length ?? 0 },
    ...(data && { body: data }),
  }));
  await writeFile(file, gzipSync(await packTar(made)));
  return file;
};
const withHead = (fields: object): Promise<string> =>
  changed(([head, ...rest]) => {
    const said = JSON.parse(String(Buffer.from(head?.data ?? []))) as object;
    const data = new Uint8Array(Buffer.from(JSON.stringify({ ...said, ...fields })));
    return [{ header: head?.header as Entries[number]['header'], data }, ...rest];
  });
const text = (said: string) => new Uint8Array(Buffer.from(said));

test('a backup that is cut off anywhere is refused, and nothing is changed', async () => {
  const { length } = readFileSync(backup);
  const parts = [0, 1, 10, 300, Math.floor(length / 2), length - 9, length - 1];
  for (const bytes of parts) {
    const file = join(files, `cut-${bytes}`);
    await writeFile(file, readFileSync(backup));
    truncateSync(file, bytes);
    expect([bytes, await refusal(file)]).toEqual([
      bytes,
      expect.stringMatching(/is no backup of Stagewright|is damaged/),
    ]);
  }
});

test('a byte that is not what was written is found, in the archive and inside of a file', async () => {
  const bytes = readFileSync(backup);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  const file = join(files, 'flipped');
  await writeFile(file, bytes);
  expect(await refusal(file)).toMatch(/is damaged/);
  const other = await changed((entries) =>
    entries.map((entry) =>
      entry.header.name.endsWith('stdout.log') ? { ...entry, data: text('sold by one\n') } : entry,
    ),
  );
  expect(await refusal(other)).toMatch(/stdout\.log is not what was written/);
});

test('what is no backup of ours is refused by name: another tar file, a path that leads out, one file more or less', async () => {
  const plain = join(files, 'plain');
  await writeFile(plain, 'some text');
  expect(await refusal(plain)).toMatch(/is no backup of Stagewright/);
  await writeFile(
    plain,
    gzipSync(await packTar([{ header: { name: 'a.txt', size: 1 }, body: 'a' }])),
  );
  expect(await refusal(plain)).toMatch(/it begins with a\.txt/);
  expect(await refusal(join(files, 'none'))).toMatch(/there is no .*none/);
  const added = (name: string) =>
    changed((entries) =>
      entries.toSpliced(2, 0, { header: { name, size: 1, type: 'file' }, data: text('x') }),
    );
  expect(await refusal(await added('../evil'))).toMatch(/none of its files|damaged/);
  expect(await refusal(await added('runs/../../evil'))).toMatch(/none of its files|damaged/);
  expect(await refusal(await added('owner.json'))).toMatch(/owner\.json is none of its files/);
  expect(await refusal(await added('runs/more'))).toMatch(/runs\/more was added to it/);
  expect(existsSync(join(files, 'evil'))).toBe(false);
  const less = await changed((entries) =>
    entries.filter(({ header }) => !header.name.endsWith('stdout.log')),
  );
  expect(await refusal(less)).toMatch(/stdout\.log is missing/);
});

test('a newer schema and a newer format are refused by name; rows that contradict each other are named, and kept', async () => {
  expect(await refusal(await withHead({ schema: 9999, version: '9.9.9' }))).toMatch(
    /newer version \(9\.9\.9: schema 9999, this one knows \d+\)/,
  );
  expect(await refusal(await withHead({ format: 2 }))).toMatch(/newer version \(format 2/);
  const db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
  db.prepare("DELETE FROM journal WHERE event = 'stage_started' OR run_seq = 2").run();
  db.close();
  expect((await faults(on.dataDir)).join()).toMatch(/the events of a run have a gap/);
  // Nor do rows that are no JSON end it.
  const other = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
  other.exec("UPDATE runs SET projection = '{'");
  other.close();
  expect((await faults(on.dataDir)).join()).toMatch(/a snapshot is no JSON/);
  // A mistake in one run is told, and no reason to have no backup.
  const gap = join(files, 'gap');
  expect((await write(gap)).faults.join()).toMatch(/the events of a run have a gap/);
  expect((await restore(gap)).faults.join()).toMatch(/the events of a run have a gap/);
});

test('it never overwrites, needs a folder and a store, and leaves nothing behind when it is refused', async () => {
  const before = readFileSync(backup);
  await expect(write(backup)).rejects.toThrow(/is there already/);
  expect(readFileSync(backup)).toEqual(before);
  await expect(write(join(files, 'none/b'))).rejects.toThrow(/none is no folder/);
  await mkdir(join(files, 'empty'));
  await expect(write(join(files, 'b'), join(files, 'empty'))).rejects.toThrow(/holds no store/);
  expect(readdirSync(files).toSorted()).toEqual(['empty', 'whole']);
  const words = await stagewright(['backup']);
  expect([words.code, words.err]).toEqual([2, expect.stringContaining('name the file')]);
});

test('a disk without room for it is said before a byte is written, and one that is full while it is unpacked changes nothing', async () => {
  const disk = await openSmallDisk({});
  try {
    // A played disk has the room of the real one below it.
    if (!disk.isReal) return;
    await expect(write(join(disk.dir, 'b'))).rejects.toThrow(
      /free, and a copy of the store may take .*name a file on another disk/,
    );
    disk.fill();
    const dataDir = join(disk.dir, 'data');
    await mkdir(dataDir).catch(() => {});
    await expect(restore(backup, dataDir)).rejects.toThrow(/free|no space is left/);
    await disk.clear();
    await restore(backup, dataDir);
    expect(await faults(dataDir)).toEqual([]);
  } finally {
    await disk.remove();
  }
});

test('what stands in the way in the middle of the file is said in one sentence, and nothing is left of it', async () => {
  const [id = ''] = readdirSync(join(on.dataDir, 'runs'));
  const log = join(on.dataDir, 'runs', id, 'one/1/stdout.log');
  // Nothing that can be compressed, and more than a file may have.
  await writeFile(log, randomBytes(4_000_000));
  const args = ['backup', join(files, 'b'), '--data-dir', on.dataDir];
  const { status, stderr } = spawnSync(
    'prlimit',
    ['--fsize=2000000', process.execPath, program, ...args],
    { env: baseEnv, encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^\S+ cannot be used, .*\n$/)]);
  expect(readdirSync(files)).toEqual(['whole']);
});

test('a large store of an older version gives no room back, and its copy does', async () => {
  const old = join(files, 'old');
  await mkdir(old);
  const db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 5000 });
  db.exec(`PRAGMA auto_vacuum = NONE; VACUUM INTO '${join(old, 'stagewright.sqlite')}'`);
  db.close();
  const mode = (dataDir: string): unknown => {
    const one = new DatabaseSync(join(dataDir, 'stagewright.sqlite'), { readOnly: true });
    const found = one.prepare('PRAGMA auto_vacuum').get()?.auto_vacuum;
    one.close();
    return found;
  };
  expect(mode(old)).toBe(0);
  await write(join(files, 'of-old'), old);
  await restore(join(files, 'of-old'));
  expect(mode(join(files, 'data'))).toBe(2);
});

test('a store that cannot be read is refused as a source, and inside of a backup', async () => {
  const bad = join(files, 'bad');
  await mkdir(bad);
  await restore(backup, bad);
  const path = join(bad, 'stagewright.sqlite');
  const bytes = readFileSync(path);
  // The middle of the file: pages of rows.
  bytes.fill(0x5a, 8192, bytes.length - 4096);
  await writeFile(path, bytes);
  await expect(write(join(files, 'of-bad'), bad)).rejects.toThrow(/is damaged/);
  const inside = await changed((entries) => {
    const data = new Uint8Array(bytes);
    const sha256 = createHash('sha256').update(data).digest('hex');
    return entries.map((entry) => {
      if (entry.header.name === 'stagewright.sqlite') return { ...entry, data };
      if (entry.header.name !== 'manifest.json') return entry;
      const manifest = JSON.parse(Buffer.from(entry.data ?? []).toString()) as {
        files: { path: string }[];
      };
      const listed = manifest.files.map((one) =>
        one.path === 'stagewright.sqlite' ? { ...one, bytes: data.length, sha256 } : one,
      );
      return { ...entry, data: text(JSON.stringify({ ...manifest, files: listed })) };
    });
  });
  expect(await refusal(inside)).toMatch(/is damaged/);
});
