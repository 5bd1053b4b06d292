import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ProgramOf } from '../../definition/kinds/stage-kinds.ts';
import type { Failure } from '../../wire/failure.ts';
import { runProgram } from '../process-runner.ts';
import type { KindRunner } from './kind-runner.ts';

/** Why a program that is named without a folder cannot be found; null = it is on the PATH. */
export const whyNotOnPath = async (command: string, path: string): Promise<Failure | null> =>
  (await isOnPath(command, path))
    ? null
    : {
        code: 'command-not-found',
        message: `the program ${command} is not on the PATH`,
        retryable: false,
      };

const isOnPath = async (command: string, path: string): Promise<boolean> => {
  for (const folder of path.split(delimiter)) {
    const there = await access(join(folder, command), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return true;
  }
  return false;
};

export const processRunner: KindRunner<ProgramOf<'process'>> = {
  missing: async () => null,
  preflight: async ({ argv }, path) => {
    const command = argv[0] as string;
    if (command.includes('/') || command.includes('${')) return null;
    return whyNotOnPath(command, path);
  },
  run: (deps, request, observer) =>
    runProgram(deps, request, { argv: request.program.argv }, observer),
};
