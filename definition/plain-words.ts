import type { z } from 'zod';

/** What is said of a value that is of another type than the one that belongs there. */
export const plainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'invalid_type') return undefined;
  const { input } = issue;
  if (input === undefined) return 'is missing';
  const got =
    input === null
      ? 'nothing'
      : Array.isArray(input)
        ? 'a list'
        : typeof input === 'object'
          ? 'an object'
          : JSON.stringify(input);
  const words: Record<string, string> = {
    array: 'a list',
    object: 'an object',
    record: 'an object',
    string: 'a text',
    int: 'a whole number',
  };
  return `expected ${words[issue.expected] ?? `a ${issue.expected}`}, got ${got}`;
};
