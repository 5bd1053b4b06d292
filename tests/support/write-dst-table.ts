// Part of `npm run generate`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withDstTable } from './dst-table.ts';

const path = fileURLToPath(new URL('../../docs/scheduling.md', import.meta.url));
writeFileSync(path, withDstTable(readFileSync(path, 'utf8')));
