import type { PipelineDefinition } from '../machines/definition.ts';
import { Failed } from './interpreter/effects.ts';
import type { ByteMask } from './logs/masked-file.ts';

/**
 * Hides the secrets of a pipeline: in bytes by as many asterisks, so that offsets stay true; in
 * texts by three.
 */
type Mask = ByteMask & { text(text: string): string; json<T>(value: T): T };
export type Secrets = {
  /**
   * The values by name, as a stage gets them. @throws Failed `missing-secret`, naming the variable
   */
  valuesOf(definition: Pick<PipelineDefinition, 'secrets'>): Record<string, string>;
  /** Of those that have a value now. */
  maskOf(definition: Pick<PipelineDefinition, 'secrets'>): Mask;
};

/** What is shorter would blank half of every log. */
const minLength = 4;

/** The forms in which a value turns up in output: itself, its lines, and as programs encode it. */
const formsOf = (value: string): string[] => {
  const lines = value.split(/\r?\n/);
  const encoded = [
    Buffer.from(value).toString('base64').replace(/=+$/, ''),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ];
  return [value, ...lines, ...encoded].filter(
    (form) => form.length >= minLength && !form.includes('\n'),
  );
};

const maskOfValues = (values: string[]): Mask => {
  // The longest first: a form may contain a shorter one.
  const forms = [...new Set(values.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const needles = forms.map((form) => Buffer.from(form));
  const text = (given: string): string =>
    forms.reduce((rest, form) => rest.replaceAll(form, '***'), given);
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [text(key), deep(inner)]),
    );
  };
  return {
    longestBytes: Math.max(0, ...needles.map(({ length }) => length)),
    bytes: (given) => {
      const hits = needles.flatMap((needle) => {
        const at: [number, number][] = [];
        // One byte on, not one needle: occurrences may overlap.
        for (
          let index = given.indexOf(needle);
          index >= 0;
          index = given.indexOf(needle, index + 1)
        )
          at.push([index, index + needle.length]);
        return at;
      });
      if (hits.length === 0) return given;
      const masked = Buffer.from(given);
      for (const [from, to] of hits) masked.fill('*', from, to);
      return masked;
    },
    text,
    json: (value) => (forms.length === 0 ? value : (deep(value) as typeof value)),
  };
};

/**
 * Secrets come from the service's own environment: `NAME`, or `NAME_FILE` with the path of a file
 * that holds the value.
 */
export const createSecrets = (deps: {
  env: Record<string, string | undefined>;
  readFile: (path: string) => string;
}): Secrets => {
  const masks = new Map<string, Mask>();
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
    if (value.length < minLength)
      throw missing(`is shorter than ${minLength} characters and could not be masked`);
    return value;
  };
  return {
    valuesOf: ({ secrets }) =>
      Object.fromEntries((secrets ?? []).map((name) => [name, readValue(name)])),
    maskOf: ({ secrets }) => {
      const key = (secrets ?? []).join();
      const known = masks.get(key);
      if (known) return known;
      const values = (secrets ?? []).flatMap((name) => {
        try {
          return [readValue(name)];
        } catch {
          return [];
        }
      });
      const mask = maskOfValues(values);
      // A file that is not there yet may come; only a whole mask is kept.
      if (values.length === (secrets ?? []).length) masks.set(key, mask);
      return mask;
    },
  };
};
