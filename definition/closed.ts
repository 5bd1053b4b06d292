import { z } from 'zod';
import { unknownKeys } from './suggest.ts';

/**
 * An object without unknown keys; each wrong one is answered, on its own line, with the nearest
 * right one.
 */
export const closed = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? unknownKeys(issue.keys, knownIn(shape)).join('\n')
        : undefined,
  });

/** What would be refused as well is no help to somebody who looks for the right word (TRUTH-18). */
const knownIn = (shape: z.ZodRawShape): string[] =>
  Object.entries(shape).flatMap(([key, schema]) =>
    (schema as z.ZodType).meta()?.['refused'] === true ? [] : [key],
  );
