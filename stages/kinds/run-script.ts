import { writeFile } from 'node:fs/promises';
import type { ProgramOf } from '../../definition/kinds/stage-kinds.ts';
import { filesOf } from '../evidence.ts';
import { runProgram } from '../process-runner.ts';
import type { KindRunner } from './kind-runner.ts';
import { whyNotOnPath } from './run-process.ts';

export const scriptRunner: KindRunner<ProgramOf<'script'>> = {
  missing: async () => null,
  preflight: ({ shell }, path) => whyNotOnPath(shell, path),
  run: (deps, request, observer) => {
    const { shell, text } = request.program;
    const path = filesOf(request.attemptDir).script;
    return runProgram(
      deps,
      request,
      {
        argv: [shell, '-eu', path],
        // A file and no argument: `ps` shows no text, and messages name its lines.
        prepare: () => writeFile(path, text, { mode: 0o600, flag: 'wx' }),
      },
      observer,
    );
  },
};
