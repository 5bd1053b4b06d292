import { type Finding, found } from '../finding.ts';
import { rulesOf } from '../kinds/stage-kinds.ts';
import type { Judge } from './judge.ts';

/** `$$HOME` as somebody writes it who knows it from Compose or make; `$$.` is a shell's own pid. */
const doubled = /\$\$([A-Za-z_]\w*)/;

export const textFindings: Judge = ({ name, program, env }, at) => {
  const texts: [pointer: string, text: unknown][] = [
    ...rulesOf(program)
      .parts(program)
      .map(({ path, value }): [string, unknown] => [`${at}/${path.join('/')}`, value]),
    ...Object.entries(env).map(([key, text]): [string, string] => [`${at}/env/${key}`, text]),
  ];
  return texts.flatMap(([pointer, text]): Finding[] => {
    const match = typeof text === 'string' ? doubled.exec(text) : null;
    if (!match) return [];
    const detail = `${match[0]} of ${name} stays as it is: only \${ needs a second dollar`;
    return [found('double-dollar', pointer, detail, `write $${match[1]}`)];
  });
};
