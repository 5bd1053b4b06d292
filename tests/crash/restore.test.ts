import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { verifyStore } from '../../services/backup/verify-store.ts';
import { systemClock } from '../../services/host/clock.ts';
import { openDataDir } from '../../services/sqlite/open-data-dir.ts';
import { done, ended, faults, project, shelf, start } from '../services/backup/kit.ts';
import { type Served, serve } from '../support/serve.ts';
import { baseEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('./doomed-restore.ts', import.meta.url));
const client = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));
let dir: string;
let files: string;
let service: Served | null = null;
beforeEach(async () => {
  dir = await project();
  files = await shelf();
});
afterEach(async () => {
  await service?.end('SIGKILL');
  service = null;
  await Promise.all([dir, files].map((one) => rm(one, { recursive: true })));
});

const killedAt = async (crashAt: number, args: string[]): Promise<number | null> => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...baseEnv, CRASH_AT: String(crashAt) },
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
};

test('a restore that is killed at any of its steps leaves the old store or the new one, never half of either', async () => {
  const dataDir = join(dir, 'data');
  service = await serve(dir);
  const older = await start(service, 'quick');
  await ended(service, older);
  const file = join(files, 'b');
  await done(['backup', file, '--data-dir', dataDir]);
  const newer = await start(service, 'quick');
  await ended(service, newer);
  await service.end();
  service = null;
  const found: string[][] = [];
  for (let crashAt = 1; ; crashAt += 1) {
    const copy = join(files, `data-${crashAt}`);
    cpSync(dataDir, copy, { recursive: true });
    const code = await killedAt(crashAt, ['restore', file, '--data-dir', copy, '--force']);
    // As the next service does.
    const opened = openDataDir({
      dataDir: copy,
      pid: process.pid,
      synchronous: 'NORMAL',
      isNewStore: false,
      clock: systemClock,
    });
    if ('owner' in opened) throw new Error('nobody has it');
    await opened.store.close();
    opened.claim.release();
    const { runs, findings } = await verifyStore(copy);
    expect([crashAt, findings]).toEqual([crashAt, []]);
    found.push(readdirSync(join(copy, 'runs')).toSorted());
    expect(runs).toBe(found.at(-1)?.length);
    if (code === 0) break;
  }
  expect(new Set(found.map((ids) => ids.join()))).toEqual(new Set([`${older},${newer}`, older]));
  // Before it was decided the old one, from then on the new one.
  expect(found[0]).toHaveLength(2);
  expect(found.slice(1).every((ids) => ids.length === 1)).toBe(true);
});

test('a backup that is killed leaves no file by its name, and the next one tidies up after it', async () => {
  service = await serve(dir);
  await ended(service, await start(service, 'quick'));
  const file = join(files, 'b');
  const args = ['backup', file, '--data-dir', join(dir, 'data')];
  const child = spawn(process.execPath, [client, ...args], { env: baseEnv, stdio: 'ignore' });
  const exited = once(child, 'exit');
  await until(() => readdirSync(files).length > 0 || child.exitCode !== null);
  child.kill('SIGKILL');
  await exited;
  // Either it was quicker, and whole, or it is not there.
  if (existsSync(file)) await done(['restore', file, '--data-dir', join(files, 'first')]);
  const second = join(files, 'second');
  await done(['backup', second, '--data-dir', join(dir, 'data')]);
  expect(readdirSync(files).filter((name) => name.startsWith('.'))).toEqual([]);
  await done(['restore', second, '--data-dir', join(files, 'restored')]);
  expect(await faults(join(files, 'restored'))).toEqual([]);
});
