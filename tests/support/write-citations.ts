// Part of `npm run generate`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { citations, citedPages, withCitations } from './citations.ts';

const cited = citations();
for (const page of citedPages)
  writeFileSync(
    fileURLToPath(new URL(`../../${page}`, import.meta.url)),
    withCitations(page, cited),
  );
