/**
 * `npm run generate`: writes client/operations.ts from the OpenAPI document. A test says when that
 * was forgotten.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clientTypes } from './client-types.ts';

writeFileSync(fileURLToPath(new URL('../client/operations.ts', import.meta.url)), clientTypes());
