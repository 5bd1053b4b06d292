// `npm run test:tools`: what only tools can check that npm does not bring. Each is used where it is found; one that is
// not found is named, and what could not be checked. With --strict that is a failure.
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A file `*.tool.ts` of this folder exports one as `tool`. */
export type Tool = {
  /** Its program: looked for in `$NAME_IN_CAPITALS`, then in PATH. */
  program: string;
  /** How one comes to it. */
  from: string;
  /** What is checked; each throws, with what the tool said, when it does not hold. */
  checks: { title: string; run(program: string): Promise<void> | void }[];
};

const here = fileURLToPath(new URL('.', import.meta.url));
const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
const find = (program: string): string | undefined => {
  const named = process.env[program.toUpperCase().replaceAll('-', '_')];
  const places = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, program));
  return [...(named ? [named] : []), ...places].find(isProgram);
};

let failed = 0;
let missing = 0;
for (const file of globSync('*.tool.ts', { cwd: here }).sort()) {
  const { tool } = (await import(pathToFileURL(join(here, file)).href)) as { tool: Tool };
  const program = find(tool.program);
  if (program === undefined) {
    missing += tool.checks.length;
    console.log(`--    ${tool.program} is not here (${tool.from}); not checked:`);
    for (const { title } of tool.checks) console.log(`        ${title}`);
    continue;
  }
  for (const { title, run } of tool.checks)
    try {
      await run(program);
      console.log(`ok    ${title}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${title}\n${error instanceof Error ? error.message : String(error)}`);
    }
}
console.log(`${failed} failed, ${missing} could not be checked`);
process.exitCode = failed > 0 || (missing > 0 && process.argv.includes('--strict')) ? 1 : 0;
