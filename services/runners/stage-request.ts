import { join, resolve } from 'node:path';
import { allStages, roleOf, type StageDefinition } from '../../definition/definition.ts';
import { interpolate, type Scope } from '../../definition/interpolate.ts';
import { rulesOf } from '../../definition/kinds/stage-kinds.ts';
import { Failed } from '../../stages/attempt-failed.ts';
import type { AttemptRequest } from '../../stages/contract.ts';
import { attemptDirOf, workspaceOf, workspaceOwner } from '../host/paths.ts';

import type { Secrets } from '../secrets/secrets.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import { slotOf } from '../store/slot-of-run.ts';

export type Places = {
  dataDir: string;
  baseEnv: Record<string, string>;
  secrets: Secrets;
  /** Where this service answers; absent, or null, where it does not. */
  url?: (() => string | null) | undefined;
};

export const stageOf = (run: RunRow, effect: EffectRow): StageDefinition => {
  const stage = allStages(run.definition).find(({ name }) => name === effect.input.stage);
  if (!stage) throw new Error(`run ${run.runId} has no stage ${effect.input.stage}`);
  return stage;
};

/** What `${…}` stands for in this run, now. */
export const scopeOf = (
  run: RunRow,
  places: Places,
  secrets: Record<string, string> = {},
): Scope => {
  const produced = Object.fromEntries(
    run.projection.stages.map(({ name, outputs }) => [name, { outputs }]),
  );
  const earlier = Object.fromEntries(
    Object.entries(run.inputs).map(([name, outputs]) => [name, { outputs }]),
  );
  const slot = slotOf(run);
  return {
    params: run.params,
    stages: { ...earlier, ...produced },
    run: {
      id: run.runId,
      number: run.number,
      workspace: workspaceOf(places.dataDir, workspaceOwner(run)),
      slot: slot.utc,
    },
    slot,
    env: { ...places.baseEnv, ...run.definition.env },
    // Where one may stand was judged when the file was loaded.
    secrets,
  };
};

/** Inserts every `${…}` of a value. @throws Failed `missing-value` naming what is missing */
export const insert = <T>(
  value: T,
  run: RunRow,
  places: Places,
  secrets: Record<string, string> = {},
): T => {
  const result = interpolate(value, scopeOf(run, places, secrets));
  if (result.ok) return result.value as T;
  throw new Failed({
    code: 'missing-value',
    message: result.problems.join('; '),
    retryable: false,
  });
};

/** What was inserted with its type is a text for a program: lists and objects as JSON. */
const textsOf = (env: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );

/** What hooks are told of a run that has failed. */
const failureFor = (name: string, { definition, projection }: RunRow): Record<string, string> => {
  const { error } = projection;
  if (error === null || roleOf(definition, name) === null) return {};
  return {
    STAGEWRIGHT_FAILED_STAGE: error.stage ?? '',
    STAGEWRIGHT_ERROR_CODE: error.code,
    STAGEWRIGHT_ERROR_MESSAGE: error.message,
  };
};

/** One attempt with everything resolved: what the runner needs and nothing else. */
export const attemptRequest = (effect: EffectRow, run: RunRow, places: Places): AttemptRequest => {
  const stage = stageOf(run, effect);
  const resolved = insert({ with: stage.with, env: stage.env, cwd: stage.cwd }, run, places);
  const secrets = places.secrets.valuesOf(run.definition);
  const program = rulesOf(stage.program).isVerbatim
    ? stage.program
    : insert(stage.program, run, places, secrets);
  return {
    runId: run.runId,
    pipeline: run.pipeline,
    stage: stage.name,
    attempt: effect.attempt,
    token: effect.token,
    attemptDir: attemptDirOf(places.dataDir, run.runId, stage.name, effect.attempt),
    workspace: workspaceOf(places.dataDir, workspaceOwner(run)),
    projectDir: run.projectDir,
    program,
    with: resolved.with,
    params: run.params,
    slot: slotOf(run).utc,
    url: places.url?.() ?? null,
    env: {
      ...places.baseEnv,
      ...run.definition.env,
      ...secrets,
      ...places.secrets.envFilesOf(stage, run.projectDir),
      ...textsOf(resolved.env),
      ...failureFor(stage.name, run),
    },
    cwd: resolved.cwd ? resolve(run.projectDir, resolved.cwd) : join(run.projectDir),
    graceMs: stage.graceMs,
    limits: stage.limits,
  };
};
