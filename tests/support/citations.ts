import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Pages whose tables define codes. */
export const codePages = [
  'docs/scenarios.md',
  'docs/invariants.md',
  'docs/decisions/traps.md',
  'docs/decisions/findings.md',
] as const;
/** Pages whose last column is made here. */
export const citedPages = [
  'docs/scenarios.md',
  'docs/invariants.md',
  'docs/decisions/findings.md',
] as const;

/** A scenario, an invariant, a semantic or a trap; an instant such as `T00:00` is none. */
const code =
  /(?<![\w'"`])(?:S[0-6]\d|I(?:1[0-3]|[1-9])|Q[1-9]\d?|T(?:1[0-7]|[1-9])|(?:REL|TRUTH|TIME|DATA|SEC|UI)-\d{1,2})(?![\w'"`-])/g;
const codesOf = (text: string): string[] => [...text.matchAll(code)].map(([one]) => one);
const comments = /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm;
const titles = /\b(?:test|describe|each\([\s\S]*?\))\(\s*(['"`])([\s\S]*?)\1/g;

/** Where each code is cited: in the comments of the source, in the comments and titles of tests. */
export const citations = (): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  const files = globSync('{*,!(node_modules)/**}/*.{ts,tsx}', {
    cwd: root,
    exclude: ['node_modules/**', 'dashboard/dist/**', 'package/**'],
  }).sort();
  for (const file of files) {
    const text = readFileSync(`${root}${file}`, 'utf8');
    const prose = [
      ...(text.match(comments) ?? []),
      ...(file.startsWith('tests/') ? [...text.matchAll(titles)].map(([, , title]) => title) : []),
    ].join('\n');
    for (const one of new Set(codesOf(prose))) found.set(one, [...(found.get(one) ?? []), file]);
  }
  return found;
};

const up = (page: string): string => '../'.repeat(page.split('/').length - 1);
export const pageText = (page: string): string => readFileSync(`${root}${page}`, 'utf8');

/** The page with its last column filled in. */
export const withCitations = (page: string, cited: Map<string, string[]>): string =>
  pageText(page).replaceAll(
    /^\| ([SIQ]\d{1,2}|[A-Z]+-\d{1,2}) \| (.*) \|[^|\n]*\|$/gm,
    (_, name: string, sentence: string) => {
      const tests = (cited.get(name) ?? []).filter((file) => file.endsWith('.test.ts'));
      const links = tests.map(
        (file) => `[${file.replace(/^tests\/|\.test\.ts$/g, '')}](${up(page)}${file})`,
      );
      return `| ${name} | ${sentence} | ${links.join(', ')}${links.length > 0 ? ' ' : ''}|`;
    },
  );
