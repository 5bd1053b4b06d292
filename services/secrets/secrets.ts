import type { PipelineDefinition } from '../../definition/definition.ts';
import { Failed } from '../../stages/attempt-failed.ts';
import { type Mask, maskOfValues, minSecretLength, noMask } from '../../stages/mask.ts';

export type Secrets = {
  /**
   * The values by name, as a stage gets them. @throws Failed `missing-secret`, naming the variable
   */
  valuesOf(definition: Pick<PipelineDefinition, 'secrets'>): Record<string, string>;
  /**
   * Of all values that they had since this service began: what is read may be older than the last
   * rotation.
   */
  maskOf(definition: Pick<PipelineDefinition, 'secrets'>): Mask;
};

/** Of one that is renewed each minute these are some hours; older ones are forgotten. */
const mostValues = 200;
const mostMasks = 50;

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
  return {
    valuesOf: ({ secrets }) =>
      Object.fromEntries((secrets ?? []).map((name) => [name, readValue(name)])),
    maskOf: ({ secrets }) => {
      if (!secrets || secrets.length === 0) return noMask;
      for (const name of secrets) {
        try {
          readValue(name);
        } catch {
          // One that has no value any more may have had one.
        }
      }
      const values = secrets.flatMap((name) => [...(seen.get(name) ?? [])]);
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
