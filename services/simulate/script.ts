import { durationSchema, durationText } from '../../definition/duration.ts';
import type { Happening } from '../../wire/simulation.ts';

/** How one attempt goes. `ms` null = it works for ever. */
export type Plan = {
  ms: number | null;
  /** Null = it succeeds. */
  code: string | null;
  skips: boolean;
  isDeaf: boolean;
  isLate: boolean;
};

/** An attempt works so long where nobody says otherwise. */
const usualMs = 1000;

const of =
  (stage: string) =>
  (one: Happening): boolean =>
    'stage' in one && one.stage === stage;
type What<W extends Happening['what']> = Extract<Happening, { what: W }>;
const only = <W extends Happening['what']>(script: readonly Happening[], what: W): What<W>[] =>
  script.filter((one): one is What<W> => one.what === what);

/**
 * How an attempt of a stage goes, by the script: first those that fail, then those that hang, and
 * what nothing is said of goes well.
 */
export const planOf = (script: readonly Happening[], stage: string, attempt: number): Plan => {
  const mine = script.filter(of(stage));
  const fates = [...only(mine, 'fail'), ...only(mine, 'hang')].flatMap((one) =>
    Array<typeof one>(one.times).fill(one),
  );
  const fate = fates[attempt - 1];
  const works = only(mine, 'takes').at(-1)?.ms ?? usualMs;
  return {
    ms: fate?.what === 'hang' ? null : works,
    code: fate?.what === 'fail' ? fate.code : null,
    skips: only(mine, 'skip').length > 0,
    isDeaf: only(mine, 'deaf').length > 0,
    isLate: only(mine, 'late').length > 0,
  };
};

/** What comes while an attempt works. */
export const duringAttempt = (
  script: readonly Happening[],
  stage: string,
  attempt: number,
): ('stop' | 'crash' | 'reboot')[] =>
  (['stop', 'crash', 'reboot'] as const).filter((what) =>
    only(script, what).some((one) => one.stage === stage && one.attempt === attempt),
  );

/** What comes with a write to the store. */
export const atWrite = (script: readonly Happening[], write: number): Happening[] =>
  script.filter((one) => 'write' in one && one.write === write);

/** As people write it, where that is short and says all of it. */
const timeOf = (ms: number): string => {
  const text = durationText(Math.abs(ms));
  const isWhole = durationSchema.safeParse(text).data === Math.abs(ms);
  return isWhole ? `${ms < 0 ? '-' : ''}${text}` : String(ms);
};
const nth = (n: number): string => (n === 1 ? '' : `:${n}`);
const flags: { [W in Happening['what']]: (one: What<W>) => string } = {
  fail: ({ stage, times, code }) =>
    `--fail ${stage}${code === 'exit-code' ? nth(times) : `:${times}:${code}`}`,
  hang: ({ stage, times }) => `--hang ${stage}${nth(times)}`,
  skip: ({ stage }) => `--skip ${stage}`,
  takes: ({ stage, ms }) => `--takes ${stage}:${timeOf(ms)}`,
  deaf: ({ stage }) => `--deaf ${stage}`,
  late: ({ stage }) => `--late ${stage}`,
  stop: ({ stage, attempt }) => `--stop-at ${stage}${nth(attempt)}`,
  crash: ({ stage, attempt }) => `--crash-at ${stage}${nth(attempt)}`,
  reboot: ({ stage, attempt }) => `--reboot-at ${stage}${nth(attempt)}`,
  'crash-before': ({ write }) => `--crash-before ${write}`,
  'crash-after': ({ write }) => `--crash-after ${write}`,
  'slow-store': ({ write, ms }) => `--slow-store ${write}:${timeOf(ms)}`,
  'clock-step': ({ write, ms }) => `--clock-step ${write}:${timeOf(ms)}`,
};
/** A happening as the command line takes it. */
const flagOf = <W extends Happening['what']>(one: What<W>): string =>
  (flags[one.what as W] as (given: What<W>) => string)(one);

/** The command that tells the story of a script again. */
export const replayOf = (pipeline: string, script: readonly Happening[]): string =>
  ['stagewright simulate', pipeline, ...script.map((one) => flagOf(one))].join(' ');
