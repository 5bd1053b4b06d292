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
        ? unknownKeys(issue.keys, Object.keys(shape)).join('\n')
        : undefined,
  });
