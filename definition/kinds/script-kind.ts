import { z } from 'zod';
import { closed } from '../closed.ts';
import { found } from '../finding.ts';
import { foreignRoots } from '../inline-code.ts';
import { references } from '../interpolate.ts';
import { stageKind } from './kind-rules.ts';

/** They know -e and -u and take a file (their manuals). */
const shells = ['sh', 'bash', 'dash', 'ksh', 'zsh'] as const;
const text = z
  .string()
  .refine((given) => given.trim() !== '', { error: 'is empty' })
  .refine((given) => !given.includes('\0'), { error: 'contains a NUL byte' });

type Script = { kind: 'script'; shell: (typeof shells)[number]; text: string };

/** A shell's own text, in a process of its own: `sh -eu` on a file that the attempt is given. */
export const scriptKind = stageKind({
  key: 'script',
  written: z
    .preprocess(
      (given) => (typeof given === 'string' ? { text: given } : given),
      closed({ shell: z.enum(shells).default('sh'), text }),
    )
    .meta({ shorthand: { type: 'string' } }),
  fromFile: (given): Script => ({ kind: 'script', ...given }),
  answer: z.object({ shell: z.string(), text: z.string() }),
  view: ({ shell, text }) => ({ shell, text }),
  describe: ({ shell }) => `${shell} script`,
  // It is passed as it stands: `${…}` in it is the shell's.
  parts: () => [],
  isVerbatim: true,
  problems: (program) =>
    references(program.text)
      .filter((path) => path.length > 1 && foreignRoots.includes(path[0] as string))
      .slice(0, 1)
      .map((path) => {
        const name = `\${${path.join('.')}}`;
        const variable = (path.at(-1) as string).toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
        const detail = `nothing is inserted into a script; write env: { ${variable}: "${name}" } and read "$${variable}" in it`;
        return { path: ['script'], code: 'param-in-shell' as const, detail };
      }),
  lint: ({ name, program }, at) => {
    // `$$` alone is the number of a process, and meant.
    const [match] = /\$\$(\{|[A-Za-z_]\w*)/.exec(program.text) ?? [];
    if (match === undefined) return [];
    const detail = `${match} in the script of ${name} is the number of a process and what follows it: nothing is inserted, so nothing needs a second dollar`;
    return [found('double-dollar', `${at}/script`, detail, `write ${match.slice(1)}`)];
  },
  refuses: [],
});
