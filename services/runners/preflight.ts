import { mkdir } from 'node:fs/promises';
import { Failed } from '../../stages/attempt-failed.ts';
import { runnerOf } from '../../stages/kinds/kind-runners.ts';
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
      const path = env.PATH ?? run.definition.env.PATH ?? places.baseEnv.PATH ?? '';
      const failure = await runnerOf(program).preflight(program, path);
      if (failure) throw new Failed({ ...failure, stage: name });
    }
    return {};
  };
};
