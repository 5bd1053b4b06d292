import { interpolate, references, type Scope } from '../../definition/interpolate.ts';

const scope: Scope = {
  params: { day: '2018-05-11', full: false, list: ['ES', 'NQ'], nothing: null, 'with-hyphen': 1 },
  stages: { translator: { outputs: { rows: 12, files: { first: 'a.csv' } } } },
  run: { id: 'r_1', number: 7 },
  env: { TZ: 'UTC', EMPTY: '' },
};
const inserted = (value: unknown): unknown => {
  const result = interpolate(value, scope);
  if (!result.ok) throw new Error(result.problems.join('; '));
  return result.value;
};

test.each([
  ['${params.full}', false],
  ['${params.list}', ['ES', 'NQ']],
  ['${params.nothing}', null],
  ['${ run.number }', 7],
  ['${stages.translator.outputs.files}', { first: 'a.csv' }],
  ['${env.EMPTY}', ''],
])('%s alone keeps its type', (template, value) => {
  expect(inserted(template)).toEqual(value);
});

test.each([
  ['day ${params.day}, run ${run.id}', 'day 2018-05-11, run r_1'],
  ['${run.id}${run.number}', 'r_17'],
  ['full=${params.full}', 'full=false'],
  ['$${run.id} is text', '${run.id} is text'],
  ['$${run.id}', '${run.id}'],
  ['$5 and $ and ${', '$5 and $ and ${'],
])('%s becomes text', (template, text) => {
  expect(inserted(template)).toBe(text);
});

test('goes deep, and leaves keys and everything that is no text alone', () => {
  expect(inserted({ '${run.id}': [{ n: '${run.number}' }, 5, null, true] })).toEqual({
    '${run.id}': [{ n: 7 }, 5, null, true],
  });
});

test('an inserted value is not read again', () => {
  const result = interpolate('${params.text}', { ...scope, params: { text: '${run.id}' } });
  expect(result).toEqual({ ok: true, value: '${run.id}' });
});

test('every missing value is named, and none becomes an empty text', () => {
  expect(interpolate(['${params.gone}', 'x ${stages.translator.outputs.gone} y'], scope)).toEqual({
    ok: false,
    problems: ['${params.gone} has no value', '${stages.translator.outputs.gone} has no value'],
  });
});

test.each([
  '${params.constructor}',
  '${params.__proto__.x}',
  '${params.day.length}',
  '${params.list.map}',
])('%s reaches nothing that is not data', (template) =>
  expect(interpolate(template, scope)).toMatchObject({ ok: false }),
);

test('a list or an object cannot stand inside a text', () => {
  expect(interpolate('all of ${params.list}', scope)).toEqual({
    ok: false,
    problems: ['${params.list} is not a single value and cannot stand inside a text'],
  });
});

test('references lists every path but those that are text', () => {
  expect(
    references({
      a: ['${params.day} ${run.id}', '$${env.TZ}'],
      b: { c: '${stages.translator.outputs.rows}' },
      d: 4,
    }),
  ).toEqual([
    ['params', 'day'],
    ['run', 'id'],
    ['stages', 'translator', 'outputs', 'rows'],
  ]);
});
