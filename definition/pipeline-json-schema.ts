import { z } from 'zod';
import { pipelineSchema } from './pipeline-schema.ts';

type Json = Record<string, unknown>;

/** Words that this version refuses are no suggestion for anybody. */
const withoutRefused = (schema: Json): void => {
  const { properties } = schema as { properties?: Record<string, Json> };
  for (const [key, one] of Object.entries(properties ?? {}))
    if (one.refused === true) delete properties?.[key];
};

/** Where a text stands for the object that holds it: neither form is wrong. */
const withShortForm = (schema: Json): void => {
  const { textIsEnough, ...object } = schema;
  if (textIsEnough !== true) return;
  for (const key of Object.keys(schema)) delete schema[key];
  schema.anyOf = [{ type: 'string' }, object];
};

/**
 * The pipeline file as JSON Schema, for editors: what it refuses the service refuses too; what
 * only the service can judge (references, names that are taken) it lets pass.
 */
const pipelineJsonSchema = (): Json => ({
  ...z.toJSONSchema(pipelineSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      withoutRefused(jsonSchema as Json);
      withShortForm(jsonSchema as Json);
    },
  }),
  title: 'A pipeline of Stagewright',
});

/** As a file. */
export const pipelineSchemaText = (): string =>
  `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;
