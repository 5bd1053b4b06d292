import { z } from 'zod';
import { found } from '../finding.ts';
import { inlineCode } from '../inline-code.ts';
import { references } from '../interpolate.ts';
import { stageKind } from './kind-rules.ts';

/** What somebody else gives: whoever starts a run, or what an earlier stage has read. */
const foreign = ['params', 'stages', 'trigger', 'item'];
/** Interpreters that end with 2 when their arguments or their script are wrong (their manuals). */
const interpreters = /^(sh|bash|dash|ksh|zsh|python[\d.]*)$/;
const usageCode = 2;

type Process = { kind: 'process'; argv: string[] };
const programOf = ({ argv }: Process): string => argv[0] as string;

/** A program and its arguments, in a process of its own. */
export const processKind = stageKind({
  key: 'run',
  written: z
    .array(z.string().min(1))
    .min(1, 'expected a program and its arguments, e.g. ["python3", "report.py"]'),
  fromFile: (argv): Process => ({ kind: 'process', argv }),
  answer: z.array(z.string()),
  view: ({ argv }) => argv,
  describe: programOf,
  parts: ({ argv }) => argv.map((value, index) => ({ path: ['run', index], value })),
  /**
   * A value inside code, or as the program itself, lets whoever gives it run what they like (as in
   * CVE-2020-11978 of Airflow): refused when the file is loaded.
   */
  problems: ({ argv }) =>
    [0, ...inlineCode(argv)].flatMap((at) => {
      const value = references(argv[at]).find(([root]) => foreign.includes(root as string));
      if (!value) return [];
      const name = `\${${value.join('.')}}`;
      const variable = (value.at(-1) as string).toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
      const detail =
        at === 0
          ? `${name} cannot be the program: whoever gives it would choose what runs`
          : `${name} would become part of the code that ${argv[0]} runs; write env: { ${variable}: "${name}" } and read $${variable} in quotes, or pass it as an argument after the code`;
      return [{ path: ['run', at], code: 'param-in-shell' as const, detail }];
    }),
  lint: ({ name, program, retry }, at) => {
    const interpreter = programOf(program).split('/').at(-1) as string;
    const isJudged = [retry.neverOn, ...(retry.classes ?? []).map(({ on }) => on)].some(
      ({ exitCodes }) => exitCodes.includes(usageCode),
    );
    // Code that stands in the file itself is never missing.
    const isInline = inlineCode(program.argv).length > 0;
    if (retry.limit === 0 || !interpreters.test(interpreter) || isJudged || isInline) return [];
    const detail = `${interpreter} ends with exit code 2 when its script is missing or wrong, and ${name} is tried again all the same`;
    const advice = 'add never_on: { exit_codes: [2] } to its retry';
    return [found('permanent-error-retried', `${at}/retry`, detail, advice)];
  },
  refuses: [],
});
