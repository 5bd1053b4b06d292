import { resolve } from 'node:path';
import {
  allStages,
  type PipelineDefinition,
  type StageDefinition,
} from '../../definition/definition.ts';
import { Failed } from '../../stages/attempt-failed.ts';
import { type Mask, maskOfValues, minSecretLength, noMask } from '../../stages/mask.ts';
import { readEnvFile } from './env-file.ts';

/** What of a run says which values are its secrets. */
export type SecretsOf = {
  definition: Pick<PipelineDefinition, 'secrets'> & {
    stages: Pick<StageDefinition, 'envFile'>[];
    onFailure?: Pick<StageDefinition, 'envFile'>[];
    finally?: Pick<StageDefinition, 'envFile'>[];
  };
  projectDir: string;
};

export type Secrets = {
  /**
   * The values by name, as a stage gets them. @throws Failed `missing-secret`, naming the variable
   */
  valuesOf(definition: Pick<PipelineDefinition, 'secrets'>): Record<string, string>;
  /**
   * What stands in the files that the stage names, a later one over an earlier. @throws Failed
   * `missing-env-file`, naming the file
   */
  envFilesOf(stage: Pick<StageDefinition, 'envFile'>, projectDir: string): Record<string, string>;
  /**
   * Of all values that they had since this service began: what is read may be older than the last
   * rotation.
   */
  maskOf(run: SecretsOf): Mask;
};

/** Does anything of it have to be hidden? */
export const hasSecrets = (definition: SecretsOf['definition']): boolean =>
  (definition.secrets ?? []).length > 0 ||
  allStages(definition).some(({ envFile }) => envFile.length > 0);

/** Settings stand beside passwords; what is as short as a level, or a number, is no password. */
const isHidden = (value: string): boolean =>
  value.length >= 8 && !/^[-+]?[\d.]+(e[-+]?\d+)?$|^(true|false)$/i.test(value);

/** Of one that is renewed each minute these are some hours; older ones are forgotten. */
const mostValues = 200;
const mostMasks = 50;

const missingFile = (name: string, why: string): Failed =>
  new Failed({
    code: 'missing-env-file',
    message: `the env_file ${name} ${why}`,
    retryable: false,
  });

/**
 * Secrets come from the service's own environment: `NAME`, or `NAME_FILE` with the path of a file
 * that holds the value.
 */
export const createSecrets = (deps: {
  env: Record<string, string | undefined>;
  readFile: (path: string) => string;
}): Secrets => {
  /** By name; in memory only, so that no old value stays on a disk. */
  const seen = new Map<string, Set<string>>();
  const masks = new Map<string, Mask>();
  const remember = (name: string, value: string): string => {
    const values = seen.get(name) ?? new Set();
    values.delete(value);
    values.add(value);
    if (values.size > mostValues) values.delete(values.values().next().value as string);
    seen.set(name, values);
    return value;
  };
  const readValue = (name: string): string => {
    const path = deps.env[`${name}_FILE`];
    const missing = (message: string) =>
      new Failed({
        code: 'missing-secret',
        message: `the secret ${name} ${message}`,
        retryable: false,
      });
    let value = deps.env[name];
    if (value === undefined && path !== undefined) {
      try {
        value = deps.readFile(path).replace(/\r?\n$/, '');
      } catch (error) {
        throw missing(
          `cannot be read from the file that ${name}_FILE names (${(error as { code?: string }).code ?? 'unreadable'})`,
        );
      }
    }
    if (value === undefined)
      throw missing(`has no value: set ${name} or ${name}_FILE for the service`);
    if (value.length < minSecretLength)
      throw missing(`is shorter than ${minSecretLength} characters and could not be masked`);
    return remember(name, value);
  };
  /** Remembered by the path of the file, which is no name of a variable. */
  const readFileOf = (name: string, projectDir: string): Record<string, string> => {
    const path = resolve(projectDir, name);
    const read = readEnvFile(path);
    if (!read.ok) throw missingFile(name, read.why);
    for (const value of Object.values(read.values)) if (isHidden(value)) remember(path, value);
    return read.values;
  };
  return {
    valuesOf: ({ secrets }) =>
      Object.fromEntries((secrets ?? []).map((name) => [name, readValue(name)])),
    envFilesOf: ({ envFile }, projectDir) =>
      Object.assign({}, ...envFile.map((name) => readFileOf(name, projectDir))),
    maskOf: ({ definition, projectDir }) => {
      if (!hasSecrets(definition)) return noMask;
      const secrets = definition.secrets ?? [];
      const files = allStages(definition).flatMap(({ envFile }) => envFile);
      for (const read of [
        ...secrets.map((name) => () => readValue(name)),
        ...files.map((name) => () => readFileOf(name, projectDir)),
      ]) {
        try {
          read();
        } catch {
          // One that has no value any more may have had one.
        }
      }
      const keys = [...secrets, ...files.map((name) => resolve(projectDir, name))];
      const values = keys.flatMap((key) => [...(seen.get(key) ?? [])]);
      // By the values, not the names: behind a name another value may stand by now.
      const key = JSON.stringify(values);
      const mask = masks.get(key) ?? maskOfValues(values);
      // The last one used is the last one to go.
      masks.delete(key);
      masks.set(key, mask);
      if (masks.size > mostMasks) masks.delete(masks.keys().next().value as string);
      return mask;
    },
  };
};
