import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stagewright } from '../support/serve.ts';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
/** What stands in code: blocks, and words between backticks. */
const codeOf = (text: string): string[] =>
  [...text.matchAll(/```\w*\n([\s\S]*?)```|`([^`\n]+)`/g)].map(
    ([, block, word]) => (block ?? word) as string,
  );

test.each(['docs/operating.md', 'UPGRADING.md', 'README.md'])(
  'whoever follows %s meets no command and no option that is not there',
  async (path) => {
    const { out } = await stagewright(['help']);
    const verbs = [...out.matchAll(/^ {2}(\S+) /gm)].map(([, verb]) => verb);
    const known = [...verbs, 'help', '--version'];
    const lines = codeOf(read(path)).flatMap((code) => code.split('\n'));
    const used = lines.flatMap((line) => [
      ...line.matchAll(
        /(?:^|&& |sudo |\.mjs |\/)(?:stagewright |(?<=\.mjs ))([a-z][a-z-]*|--\w+)/g,
      ),
    ]);
    const words = used.map(([, word]) => word);
    expect(words.length).toBeGreaterThan(1);
    expect(words.filter((word) => !known.includes(word as string))).toEqual([]);
    // Every option of ours is described in docs/cli.md.
    const described = read('docs/cli.md');
    const options = lines
      .filter((line) => /stagewright(\.mjs)? /.test(line))
      .flatMap((line) => [...line.replaceAll(/#.*$/g, '').matchAll(/ (--[a-z][a-z-]+)/g)])
      .map(([, option]) => option as string);
    expect(options.filter((option) => !described.includes(option))).toEqual([]);
  },
);
