import { z } from 'zod';
import { pipelineSchema } from './pipeline-schema.ts';

type Json = Record<string, unknown>;

/** Words that this version refuses are no suggestion for anybody. */
const withoutRefused = (schema: Json): void => {
  const { properties } = schema as { properties?: Record<string, Json> };
  for (const [key, one] of Object.entries(properties ?? {}))
    if (one.refused === true) delete properties?.[key];
};

/**
 * The pipeline file as JSON Schema, for editors: what it refuses the service refuses too; what
 * only the service can judge (references, names that are taken) it lets pass.
 */
const pipelineJsonSchema = (): Json => ({
  ...z.toJSONSchema(pipelineSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => withoutRefused(jsonSchema as Json),
  }),
  title: 'A pipeline of Stagewright',
});

/** As a file. */
export const pipelineSchemaText = (): string =>
  `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;
