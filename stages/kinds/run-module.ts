import { access, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProgramOf } from '../../definition/kinds/stage-kinds.ts';
import { suggest } from '../../definition/suggest.ts';
import { builtinStages, isBuiltin, missingEngine, pathOfModule } from '../builtin-modules.ts';
import { filesOf } from '../evidence.ts';
import { runProgram } from '../process-runner.ts';
import type { KindRunner } from './kind-runner.ts';

// The same extension as this file's: the published package holds JavaScript.
const moduleHost = fileURLToPath(
  new URL(`../module-host${extname(import.meta.url)}`, import.meta.url),
);

export const moduleRunner: KindRunner<ProgramOf<'module'>> = {
  missing: async ({ module }, projectDir) => {
    const path = pathOfModule(module, projectDir);
    if (path === null) return noBuiltin(module);
    // Ours are there, and what they stand on may not be.
    if (isBuiltin(module)) return missingEngine();
    return access(path).then(
      () => null,
      () => `there is no file ${module} in the project`,
    );
  },
  preflight: async () => null,
  run: (deps, request, observer) => {
    const path = filesOf(request.attemptDir).request;
    return runProgram(
      deps,
      request,
      {
        argv: [process.execPath, moduleHost],
        env: { STAGEWRIGHT_REQUEST: path },
        // Without its environment, which may hold secrets: the module finds that in its own process.
        prepare: () => writeFile(path, JSON.stringify({ ...request, env: {} }), { mode: 0o600 }),
      },
      observer,
    );
  },
};

const noBuiltin = (module: string): string => {
  const known = builtinStages.map((name) => `builtin:${name}`);
  const nearest = suggest(module, known);
  return `there is no built-in stage ${module}; ${nearest ? `did you mean ${nearest}?` : `known are ${known.join(', ')}`}`;
};
