// `npm run generate`: writes docs/examples/status/*.json. A test says when that was forgotten.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { everyExample } from './examples.ts';

const dir = fileURLToPath(new URL('../../docs/examples/status/', import.meta.url));
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
for (const { name, status } of everyExample())
  writeFileSync(`${dir}${name}.json`, `${JSON.stringify(status, null, 2)}\n`);
