import { type Finding, found, type Judge } from './finding.ts';

/** `$$HOME` as somebody writes it who knows it from Compose or make; `$$.` is a shell's own pid. */
const doubled = /\$\$([A-Za-z_]\w*)/;

export const textFindings: Judge = ({ name, program, env }, at) => {
  const texts: [pointer: string, text: string][] = [
    ...('argv' in program
      ? program.argv.map((word, index): [string, string] => [`${at}/run/${index}`, word])
      : []),
    ...Object.entries(env).map(([key, text]): [string, string] => [`${at}/env/${key}`, text]),
  ];
  return texts.flatMap(([pointer, text]): Finding[] => {
    const match = doubled.exec(text);
    if (!match) return [];
    const detail = `${match[0]} of ${name} stays as it is: only \${ needs a second dollar`;
    return [found('double-dollar', pointer, detail, `write $${match[1]}`)];
  });
};
