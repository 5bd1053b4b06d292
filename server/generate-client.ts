/**
 * `npm run generate`: writes client/operations.ts from the OpenAPI document, and schemas/ from the
 * file format. A test says when that was forgotten.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pipelineSchemaText } from '../definition/pipeline-json-schema.ts';
import { clientTypes } from './client-types.ts';

const write = (path: string, text: string): void =>
  writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
write('client/operations.ts', clientTypes());
write('schemas/pipeline.json', pipelineSchemaText());
