import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ProgramOf } from '../../definition/kinds/stage-kinds.ts';
import { runProgram } from '../process-runner.ts';
import type { KindRunner } from './kind-runner.ts';

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
    if (command.includes('/') || command.includes('${') || (await isOnPath(command, path)))
      return null;
    return {
      code: 'command-not-found',
      message: `the program ${command} is not on the PATH`,
      retryable: false,
    };
  },
  run: (deps, request, observer) =>
    runProgram(deps, request, { argv: request.program.argv }, observer),
};
