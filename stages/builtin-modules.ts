import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The stages that come with us, each a module in `builtin/`. */
export const builtinStages = ['translator', 'analyzer', 'merger', 'report', 'sample-bars'];
const prefix = 'builtin:';
export const isBuiltin = (module: string): boolean => module.startsWith(prefix);

/**
 * The file of a module, which may not be there. @returns null when it is to be one of ours and there
 * is none of that name
 */
export const pathOfModule = (module: string, projectDir: string): string | null => {
  if (!isBuiltin(module)) return resolve(projectDir, module);
  const name = module.slice(prefix.length);
  if (!builtinStages.includes(name)) return null;
  // The same extension as this file's: the published package holds JavaScript.
  return fileURLToPath(new URL(`./builtin/${name}${extname(import.meta.url)}`, import.meta.url));
};

/** The data engine of our stages, which whoever uses them installs beside us. */
const engine = '@duckdb/node-api';

/** Why our stages cannot run here; null = they can. */
export const missingEngine = (): string | null => {
  const { resolve: find } = createRequire(import.meta.url);
  try {
    find(engine);
    return null;
  } catch {
    return `${engine} is not installed, which the built-in stages need: npm install -g ${engine} beside a global stagewright, or npm install ${engine} in the project that has it`;
  }
};
