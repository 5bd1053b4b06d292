import { z } from 'zod';
import {
  type FieldError,
  ServiceError,
  type ServiceErrorCode,
} from '../services/host/service-error.ts';
import { protoPointers } from './json-body.ts';

const checked = <T extends z.ZodType>(
  schema: T,
  value: unknown,
  code: ServiceErrorCode,
  detail: string,
): z.output<T> => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors: FieldError[] = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key)}`).join(''),
    detail: message,
  }));
  throw new ServiceError(code, detail, { errors });
};

export type ParametersOf<P extends Record<string, z.ZodType>> = z.output<z.ZodObject<P>>;

/** The parameters of an address, each by its own schema. @throws ServiceError invalid-id */
export const parametersOf = <P extends Record<string, z.ZodType>>(
  schemas: P,
  given: unknown,
): ParametersOf<P> => {
  const result = z.object(schemas).safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ServiceError('invalid-id', `${String(issue?.path[0])}: ${issue?.message}`);
};

/** @throws ServiceError bad-parameter; a misspelt one is told wherever it stands */
export const queryOf = <Q extends z.ZodType>(schema: Q, given: unknown): z.output<Q> =>
  checked(schema, given, 'bad-parameter', 'a query parameter does not fit');

/** @throws ServiceError invalid-body, or invalid-params for `__proto__` in the parameters of a run */
export const bodyOf = <B extends z.ZodType>(schema: B, given: unknown): z.output<B> => {
  const detail = 'the body does not fit the schema';
  const errors = protoPointers(given).map((pointer) => ({
    pointer,
    detail: 'unknown key `__proto__`',
  }));
  const code = errors[0]?.pointer.startsWith('/params/') ? 'invalid-params' : 'invalid-body';
  if (errors.length > 0) throw new ServiceError(code, detail, { errors });
  return checked(schema, given ?? {}, 'invalid-body', detail);
};
