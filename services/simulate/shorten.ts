import type { Happening } from '../../wire/simulation.ts';

/** Simpler ways to say one happening: what counts is tried with less. */
const simpler = (one: Happening): Happening[] => {
  if ((one.what === 'fail' || one.what === 'hang') && one.times > 1)
    return [
      { ...one, times: 1 },
      { ...one, times: one.times - 1 },
    ];
  if ('attempt' in one && one.attempt > 1) return [{ ...one, attempt: 1 }];
  if ('write' in one && one.write > 1) return [{ ...one, write: one.write - 1 }];
  return [];
};

/** Every script that is a little shorter than this one: less happens, or less of it. */
const shorter = (script: readonly Happening[]): Happening[][] => [
  ...script.map((_, index) => script.toSpliced(index, 1)),
  ...script.flatMap((one, index) => simpler(one).map((less) => script.toSpliced(index, 1, less))),
];

/**
 * The shortest script found that still breaks it: whatever can be left out is left out, until
 * nothing can.
 */
export const shortened = async (
  script: readonly Happening[],
  breaks: (script: readonly Happening[]) => Promise<boolean>,
): Promise<readonly Happening[]> => {
  for (const less of shorter(script)) if (await breaks(less)) return shortened(less, breaks);
  return script;
};
