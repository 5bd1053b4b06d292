import { citations, citedPages, codePages, pageText, withCitations } from '../support/citations.ts';

const cited = citations();
const defined = codePages.flatMap((page) =>
  [...pageText(page).matchAll(/^\| ([SIQT]\d{1,2}|[A-Z]+-\d{1,2}) /gm)].map(
    ([, code]) => code as string,
  ),
);

test('every code that a comment or a title cites is defined in docs', () => {
  expect(defined.length).toBeGreaterThan(80);
  expect([...cited.keys()].filter((code) => !defined.includes(code))).toEqual([]);
  expect(new Set(defined).size).toBe(defined.length);
});

test('every scenario and every invariant has a test that names it', () => {
  const tested = [...cited].flatMap(([code, files]) =>
    files.some((file) => file.endsWith('.test.ts')) ? [code] : [],
  );
  expect(defined.filter((code) => /^[SI]\d/.test(code) && !tested.includes(code))).toEqual([]);
});

test('every finding has a test that names it, or its row says where it is answered', () => {
  const open = [...pageText('docs/decisions/findings.md').matchAll(/^\| ([A-Z]+-\d+) \| (.*)$/gm)]
    .filter(([, , rest]) => !/\]\(|Answered|As [A-Z]+-|Shown|\(00\d\d\)/.test(rest as string))
    .map(([, code]) => code);
  expect(open).toEqual([]);
});

test.each(citedPages)('%s names the tests of today (else: npm run generate)', (page) => {
  expect(pageText(page)).toBe(withCitations(page, cited));
});
