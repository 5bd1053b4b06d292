import { z } from 'zod';
import { groupSchema, listedSchema, pipelineSchema, stageSchema } from './pipeline-schema.ts';

type Json = Record<string, unknown>;

/** Words that this version refuses are no suggestion for anybody. */
const withoutRefused = (schema: Json): void => {
  const { properties } = schema as { properties?: Record<string, Json> };
  for (const [key, one] of Object.entries(properties ?? {}))
    if (one.refused === true) delete properties?.[key];
};

/** What stands for the whole thing (`shorthand` of its meta) may be written in its place. */
const withShorthand = (schema: Json): void => {
  const { shorthand, ...whole } = schema;
  if (shorthand === undefined) return;
  for (const key of Object.keys(schema)) delete schema[key];
  schema.anyOf = [shorthand, whole];
};

/**
 * The pipeline file as JSON Schema, for editors: what it refuses the service refuses too; what
 * only the service can judge (references, names that are taken) it lets pass.
 */
const jsonSchemaOf = (whole: z.ZodType): Json =>
  z.toJSONSchema(whole, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const schema = jsonSchema as Json;
      withoutRefused(schema);
      withShorthand(schema);
      // A stage or a group: which one it is, is judged where it is read.
      if ((zodSchema as unknown) === listedSchema)
        schema.anyOf = [stageSchema, groupSchema].map((one) => {
          const { $schema: _, ...either } = jsonSchemaOf(one);
          return either;
        });
    },
  });

const pipelineJsonSchema = (): Json => ({
  ...jsonSchemaOf(pipelineSchema),
  title: 'A pipeline of Stagewright',
});

/** As a file. */
export const pipelineSchemaText = (): string =>
  `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;
