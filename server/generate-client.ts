/**
 * `npm run generate`: writes client/operations.ts from the OpenAPI document, and schemas/ from the
 * file format. A test says when that was forgotten.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pipelineSchemaText } from '../definition/pipeline-json-schema.ts';
import { clientTypes } from './client-types.ts';

const write = (url: URL, text: string): void => writeFileSync(fileURLToPath(url), text);
write(new URL('../client/operations.ts', import.meta.url), clientTypes());
write(new URL('../schemas/pipeline.json', import.meta.url), pipelineSchemaText());
