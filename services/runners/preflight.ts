import { mkdir } from 'node:fs/promises';
import { judgeCondition } from '../../definition/condition.ts';
import { allStages } from '../../definition/definition.ts';
import { Failed } from '../../stages/attempt-failed.ts';
import { runnerOf } from '../../stages/kinds/kind-runners.ts';
import { isNoSpace } from '../host/no-space.ts';
import { workspaceOf, workspaceOwner } from '../host/paths.ts';
import { type EffectRunner, NoRoom } from '../interpreter/effects.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import { type Places, scopeOf, stageOf } from './stage-request.ts';

/** @returns why the stage is skipped; null = it runs */
const decideWhether = (
  effect: EffectRow,
  run: RunRow,
  places: Places,
): { skipped: string | null } => {
  const { name, when } = stageOf(run, effect);
  if (when === null) return { skipped: null };
  const judged = judgeCondition(when, scopeOf(run, places));
  const mask = places.secrets.maskOf(run);
  if (judged.ok) return { skipped: judged.holds ? null : mask.text(judged.because) };
  const message = mask.text(`the \`when\` of ${name}: ${judged.why}`);
  throw new Failed({ code: 'missing-value', message, retryable: false });
};

/**
 * The checks before the first stage: a workspace that can be written, secrets that are set,
 * programs that exist.
 */
export const createPreflightRunner = (places: Places): EffectRunner => {
  return async (effect, run) => {
    if (effect.input.stage !== undefined) return decideWhether(effect, run, places);
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
    for (const { name, program, env } of allStages(run.definition)) {
      const path = env.PATH ?? run.definition.env.PATH ?? places.baseEnv.PATH ?? '';
      const failure = await runnerOf(program).preflight(program, path);
      if (failure) throw new Failed({ ...failure, stage: name });
    }
    return {};
  };
};
