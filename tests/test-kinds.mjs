import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What makes a test one of the whole system: programs, a browser, a service, a data engine. */
const heavy =
  /^(node:child_process|playwright-core)$|(orchestrator\/service|launcher\/launcher|builtin\/duckdb|bin\/serve|server\/server)\.ts$/;
const importPattern = /from\s+['"]([^'"]+)['"]|(?:import|resolve)\(\s*['"]([^'"]+)['"]/g;

const known = new Map();
/** Followed through tests/ only: what it imports of the sources says enough. */
const isHeavy = (file, path = []) => {
  if (known.has(file)) return known.get(file);
  if (path.includes(file) || !existsSync(join(root, file))) return false;
  const found = [...readFileSync(join(root, file), 'utf8').matchAll(importPattern)]
    .map(([, from, called]) => from ?? called)
    .some((name) => {
      if (heavy.test(name)) return true;
      if (!name.startsWith('.')) return false;
      const target = join(dirname(file), name);
      return target.startsWith('tests/') && isHeavy(target, [...path, file]);
    });
  known.set(file, found);
  return found;
};

const tests = globSync('tests/**/*.test.ts', { cwd: root }).sort();
/** Walks every transition of many charts: minutes, though nothing but the machine is in it. */
const slow = ['tests/machines/lifecycle-model.test.ts'];
const isSystem = (file) => slow.includes(file) || isHeavy(file);
const asPatterns = (files) => files.map((file) => `<rootDir>/${file}`);

/** Without processes, sockets and browsers: the inner loop. */
export const unitTests = asPatterns(tests.filter((file) => !isSystem(file)));
/** Everything else. */
export const systemTests = asPatterns(tests.filter(isSystem));
