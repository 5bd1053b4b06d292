import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { schemaLine } from '../../bin/schema-line.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';
import { pipelineSchemaText } from '../../definition/pipeline-json-schema.ts';
import { fileShape } from '../../definition/stage-fields.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const schema = JSON.parse(pipelineSchemaText()) as object;
// An independent judge; words that it does not know would be a mistake of ours.
const validate = new Ajv2020({ strictTypes: false, allErrors: true }).compile(schema);
const samples = globSync(['pipelines/*.yaml', 'examples/*/pipelines/*.yaml'], { cwd: root });
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

test.each(samples)('%s is valid, and its first line names the schema', (file) => {
  validate(parse(read(file)));
  expect(validate.errors).toBeNull();
  // What a command writes for somebody names that of his service.
  if (read(file).startsWith(`${schemaLine}\n`)) return;
  const [, path = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(file)) ?? [];
  expect(join(dirname(file), path)).toBe('schemas/pipeline.json');
});

const stage = 'stages: [{ name: a, run: ["true"] }]';
const wrong: [string, string][] = [
  ['a key nobody knows', `name: p\n${stage}\nstagess: []`],
  ['a stage key nobody knows', 'name: p\nstages: [{ name: a, run: ["true"], timeot: 1m }]'],
  ['no stages', 'name: p'],
  ['an empty list of stages', 'name: p\nstages: []'],
  ['no name', stage],
  ['a name with capitals', `name: P\n${stage}`],
  ['a stage that runs nothing', 'name: p\nstages: [{ name: a }]'],
  ['a stage that runs two things', 'name: p\nstages: [{ name: a, run: ["true"], uses: ./a.ts }]'],
  ['a command as one text', 'name: p\nstages: [{ name: a, run: "true" }]'],
  ['a duration without a unit', 'name: p\nstages: [{ name: a, run: ["true"], timeout: "5" }]'],
  ['a duration in months', 'name: p\nstages: [{ name: a, run: ["true"], timeout: 2M }]'],
  [
    'a size without sense',
    'name: p\nstages: [{ name: a, run: ["true"], limits: { memory: much } }]',
  ],
  ['a parameter without a type', `name: p\nparams: { day: { title: Day } }\n${stage}`],
  ['a parameter of an unknown type', `name: p\nparams: { day: { type: date } }\n${stage}`],
  ['a secret in lower case', `name: p\nsecrets: [token]\n${stage}`],
  ['an unknown word for a conflict', `name: p\nconcurrency: { on_conflict: wait }\n${stage}`],
  ['a schedule without a time', `name: p\nschedules: [{ id: s }]\n${stage}`],
  ['a schedule with two', `name: p\nschedules: [{ cron: "* * * * *", every: 1h }]\n${stage}`],
  ['a module that is no file', 'name: p\nstages: [{ name: a, uses: builtin:Merger }]'],
  [
    'a method nobody knows',
    'name: p\nstages: [{ name: a, http: { url: "http://a", method: GO } }]',
  ],
  [
    'retries that are no number',
    'name: p\nstages: [{ name: a, run: ["true"], retry: { limit: lots } }]',
  ],
];
test.each(wrong)('%s is refused by the schema as by the service', (_, text) => {
  const file = parse(text) as unknown;
  expect([validate(file), parseDefinition(file).ok]).toEqual([false, false]);
});

test('every field of the table of stage fields is offered, and no word that is refused', () => {
  const { properties } = schema as {
    properties: { stages: { items: { anyOf: { properties: Record<string, object> }[] } } };
  };
  const [offered, group] = properties.stages.items.anyOf.map((one) => one.properties);
  expect(Object.keys(group ?? {})).toEqual(['name', 'title', 'parallel', 'fail_fast']);
  expect(Object.keys(offered ?? {})).toEqual(expect.arrayContaining(Object.keys(fileShape)));
  expect(JSON.stringify(schema)).not.toContain('"refused"');
});
