/** Sources of what somebody else gives: whoever starts a run, or what an earlier stage has read. */
export const foreignRoots: readonly string[] = ['params', 'stages', 'trigger', 'item'];

/**
 * Which option of a program is followed by code. Short ones stand in clusters: `bash -lc`. From the
 * manuals of the programs.
 */
const interpreters: [program: RegExp, option: RegExp][] = [
  [/^(?:[abdkz]|ba|da|fi)?sh$/, /^-[a-zA-Z]*c[a-zA-Z]*$|^--command$/],
  [/^python[\d.]*$/, /^-[a-zA-Z]*c$/],
  [/^(?:node|bun|deno)$/, /^-[a-zA-Z]*[ep]$|^--(?:eval|print)$/],
  [/^(?:perl|ruby)$/, /^-[a-zA-Z]*[eE]$/],
  [/^php$/, /^-r$/],
];
/** Options whose value is a word of its own: it is no script. */
const withValue = /^(?:[-+][oO]|-[WXrCI]|--(?:require|import|loader|conditions|rcfile|init-file))$/;
const fileName = (path: string): string => path.split('/').at(-1) as string;

/**
 * The argument that an interpreter reads as code. Its options end at the first word that is none:
 * from there on they belong to its script.
 */
const codeAfter = (argv: string[], program: number, option: RegExp): number[] => {
  let isCode = false;
  for (let index = program + 1; index < argv.length; index += 1) {
    const word = argv[index] as string;
    if (/^--(?:eval|print|command)=/.test(word)) return [index];
    if (option.test(word)) isCode = true;
    else if (withValue.test(word)) index += 1;
    // `sh -c -e 'code'`: options may follow.
    else if (!/^[-+]./.test(word)) return isCode ? [index] : [];
  }
  return [];
};

/**
 * The arguments of a program that an interpreter reads as code: what is inserted into one becomes
 * part of the program. Finds the interpreter behind `env`, `nice` or `timeout`, too.
 */
export const inlineCode = (argv: string[]): number[] =>
  argv.flatMap((program, at) => {
    const option = interpreters.find(([name]) => name.test(fileName(program)))?.[1];
    return option ? codeAfter(argv, at, option) : [];
  });
