/**
 * `npm run generate`: writes client/operations.ts from the OpenAPI document, and schemas/ from the
 * file format. A test says when that was forgotten.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pipelineSchemaText } from '../definition/pipeline-json-schema.ts';
import { clientTypes } from './client-types.ts';

writeFileSync(fileURLToPath(new URL('../client/operations.ts', import.meta.url)), clientTypes());
writeFileSync(
  fileURLToPath(new URL('../schemas/pipeline.json', import.meta.url)),
  pipelineSchemaText(),
);
