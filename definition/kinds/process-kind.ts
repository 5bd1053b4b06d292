import { z } from 'zod';
import { found } from '../finding.ts';
import { foreignRoots, inlineCode } from '../inline-code.ts';
import { references } from '../interpolate.ts';
import { stageKind } from './kind-rules.ts';

/** Interpreters that end with 2 when their arguments or their script are wrong (their manuals). */
const interpreters = /^(sh|bash|dash|ksh|zsh|python[\d.]*)$/;
const usageCode = 2;

type Process = { kind: 'process'; argv: string[] };
const programOf = ({ argv }: Process): string => argv[0] as string;

/** Nobody but a shell could read it, and which one is not said. */
const notAText = (given: string): string => {
  const text = given.trim().slice(0, 80);
  const list = `run: ${JSON.stringify(text.split(/\s+/)).replaceAll('","', '", "')}`;
  // What only a shell understands cannot be shown as a list.
  const asList = /^[\w\s@%+=:,./-]+$/.test(text) ? list : 'run: ["program", "argument"]';
  return `expected a list, got a text; write ${asList} for a program and its arguments, or script: ${JSON.stringify(text)} for a shell`;
};

/** A program and its arguments, in a process of its own. */
export const processKind = stageKind({
  key: 'run',
  written: z
    .array(z.string().min(1), {
      error: ({ input }) => (typeof input === 'string' ? notAText(input) : undefined),
    })
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
      const value = references(argv[at]).find(([root]) => foreignRoots.includes(root as string));
      if (!value) return [];
      const name = `\${${value.join('.')}}`;
      const variable = (value.at(-1) as string).toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
      const detail =
        at === 0
          ? `${name} cannot be the program: whoever gives it would choose what runs`
          : `${name} would become part of the code that ${argv[0]} runs; write the code as script: with env: { ${variable}: "${name}" } and read $${variable} in quotes, or pass it as an argument after the code`;
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
