import { z } from 'zod';
import type { ParamDefinition, PipelineDefinition } from './definition.ts';
import { unknownKeys } from './suggest.ts';

type FieldError = { pointer: string; detail: string };
export type ParamsResult =
  | { ok: true; params: Record<string, unknown> }
  | { ok: false; errors: FieldError[] };

const scalars = { string: z.string(), number: z.number(), integer: z.int(), boolean: z.boolean() };

const schemaOf = ({ type, format, items }: ParamDefinition): z.ZodType => {
  if (type === 'array') return z.array(items ? scalars[items.type] : z.json());
  if (type === 'object') return z.record(z.string(), z.json());
  return type === 'string' && format === 'date' ? z.iso.date() : scalars[type];
};

const boundOf = (
  { max_length: most, min, max }: ParamDefinition,
  value: unknown,
): string | null => {
  if (most !== undefined && (typeof value === 'string' || Array.isArray(value)))
    if (value.length > most)
      return `is longer than ${most} ${typeof value === 'string' ? 'characters' : 'entries'}`;
  if (min !== undefined && (value as number) < min) return `is less than ${min}`;
  if (max !== undefined && (value as number) > max) return `is more than ${max}`;
  return null;
};

/** Checks one value. @returns what is wrong, null when it fits */
export const checkParam = (definition: ParamDefinition, value: unknown): string | null => {
  const result = schemaOf(definition).safeParse(value);
  if (!result.success) return result.error.issues[0]?.message ?? 'does not fit';
  const outside = boundOf(definition, value);
  if (outside) return outside;
  if (!definition.enum || definition.enum.some((one) => one === value)) return null;
  return `expected one of ${definition.enum.map((one) => JSON.stringify(one)).join(', ')}`;
};

/**
 * The parameters a run gets: the given ones checked, defaults for the rest; one without a default
 * must be given.
 */
export const validateParams = (
  definition: PipelineDefinition,
  given: Record<string, unknown>,
): ParamsResult => {
  const known = Object.keys(definition.params);
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(definition.params, name));
  const errors: FieldError[] = unknownKeys(unknown, known, 'parameter').map((detail, index) => ({
    pointer: `/params/${(unknown[index] ?? '').slice(0, 60)}`,
    detail,
  }));
  const params: Record<string, unknown> = {};
  for (const [name, param] of Object.entries(definition.params)) {
    const value = Object.hasOwn(given, name) ? given[name] : param.default;
    const detail =
      value === undefined ? 'has no default and must be given' : checkParam(param, value);
    if (detail) errors.push({ pointer: `/params/${name}`, detail });
    params[name] = value;
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, params };
};
