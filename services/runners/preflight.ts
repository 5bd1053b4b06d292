import { access, constants, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Failed } from '../../stages/attempt-failed.ts';
import { isNoSpace } from '../host/no-space.ts';
import { workspaceOf, workspaceOwner } from '../host/paths.ts';
import { type EffectRunner, NoRoom } from '../interpreter/effects.ts';
import type { Places } from './stage-request.ts';

/**
 * The checks before the first stage: a workspace that can be written, secrets that are set,
 * programs that exist.
 */
export const createPreflightRunner = (places: Places): EffectRunner => {
  return async (_effect, run) => {
    try {
      await mkdir(workspaceOf(places.dataDir, workspaceOwner(run)), {
        recursive: true,
        mode: 0o700,
      });
    } catch (error) {
      if (isNoSpace(error)) throw new NoRoom('there was no room to begin');
      const code = (error as { code?: string }).code ?? 'unknown';
      throw new Failed({
        code: 'workspace-failed',
        message: `the workspace of the run cannot be made (${code})`,
        retryable: true,
      });
    }
    places.secrets.valuesOf(run.definition);
    for (const { name, program, env } of run.definition.stages) {
      if (!('argv' in program)) continue;
      const path = env.PATH ?? run.definition.env.PATH ?? places.baseEnv.PATH ?? '';
      const command = program.argv[0] as string;
      if (command.includes('/') || command.includes('${') || (await isOnPath(command, path)))
        continue;
      throw new Failed({
        code: 'command-not-found',
        message: `the program ${command} is not on the PATH`,
        retryable: false,
        stage: name,
      });
    }
    return {};
  };
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
