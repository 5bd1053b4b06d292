import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { configFor, distDir } from './vite-config.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stampFile = join(distDir, 'build.json');

/** The name of what would be built: a hash over all that goes into it. */
const buildOf = (): string => {
  const hash = createHash('sha256');
  const sources = ['package-lock.json', '{dashboard,client,machines}/**/*.*'];
  for (const file of globSync(sources, { cwd: root, exclude: ['dashboard/dist/**'] }).sort())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex').slice(0, 12);
};

const builtAlready = (): string | null => {
  try {
    return (JSON.parse(readFileSync(stampFile, 'utf8')) as { build: string }).build;
  } catch {
    return null;
  }
};

const wanted = buildOf();
if (builtAlready() !== wanted) {
  await build(configFor(wanted));
  // Last: a build that was cut off is not taken for one.
  writeFileSync(stampFile, JSON.stringify({ build: wanted }));
}
