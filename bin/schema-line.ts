/**
 * The first line of a pipeline file that we write for somebody: his service describes the format as
 * its own version reads it.
 */
export const schemaLine =
  '# yaml-language-server: $schema=http://127.0.0.1:8000/schemas/pipeline.json';
