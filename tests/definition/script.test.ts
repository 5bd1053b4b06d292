import { parseDefinition } from '../../definition/parse-definition.ts';

const parsed = (stage: object, more: object = {}) =>
  parseDefinition({ name: 'sample', ...more, stages: [{ name: 'work', ...stage }] });
const accepted = (...given: Parameters<typeof parsed>) => {
  const result = parsed(...given);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.definition;
};
const refused = (...given: Parameters<typeof parsed>) => {
  const result = parsed(...given);
  if (result.ok) throw new Error('was accepted');
  return result.problems;
};

test('a script is a text for sh, or names its shell', () => {
  expect(accepted({ script: 'echo "${HOME}"\n' }).stages[0]?.program).toEqual({
    kind: 'script',
    shell: 'sh',
    text: 'echo "${HOME}"\n',
  });
  expect(accepted({ script: { shell: 'bash', text: 'true' } }).stages[0]?.program).toMatchObject({
    shell: 'bash',
  });
  expect(refused({ script: { shell: 'bsh', text: 'true' } })[0]?.pointer).toBe(
    '/stages/0/script/shell',
  );
  expect(refused({ script: { shel: 'bash', text: 'true' } })[0]).toMatchObject({
    code: 'unknown-key',
    detail: 'unknown key `shel`; did you mean `shell`?',
  });
  expect(refused({ script: ' \n' })[0]?.detail).toBe('is empty');
});

test.each(['params.day', 'stages.fetch.outputs.rows', 'trigger.files', 'item.key'])(
  '${%s} in a script is refused, since nothing is inserted there, and env: is shown',
  (path) => {
    const [problem] = refused({ script: `echo \${${path}}` });
    expect(problem).toMatchObject({ pointer: '/stages/0/script', code: 'param-in-shell' });
    expect(problem?.detail).toContain(
      `env: { ${path.split('.').at(-1)?.toUpperCase()}: "\${${path}}" }`,
    );
  },
);

test('a value inside sh -c is refused with script: and env: as the way out', () => {
  const params = { day: { type: 'string', default: 'x' } };
  const [problem] = refused({ run: ['sh', '-c', 'echo ${params.day}'] }, { params });
  expect(problem).toMatchObject({ code: 'param-in-shell' });
  expect(problem?.detail).toMatch(/script: with env: \{ DAY: "\$\{params\.day\}" \}/);
});

test.each([
  ['dbt test --target prod', 'run: ["dbt", "test", "--target", "prod"]'],
  ['cat a | sort > b', 'run: ["program", "argument"]'],
])('run: "%s" is refused with the list and with script:', (text, list) => {
  const [problem, ...more] = refused({ run: text });
  expect([problem?.pointer, more]).toEqual(['/stages/0/run', []]);
  expect(problem?.detail).toBe(
    `expected a list, got a text; write ${list} for a program and its arguments, or script: ${JSON.stringify(text)} for a shell`,
  );
});

test('numbers and booleans in env are texts, and what cannot be kept exactly is refused', () => {
  const env = { THREADS: 4, RATE: 0.5, DRY: false, NAME: 'x' };
  const { env: ofAll, stages } = accepted({ run: ['true'], env }, { env });
  expect([ofAll, stages[0]?.env]).toEqual(
    Array(2).fill({ THREADS: '4', RATE: '0.5', DRY: 'false', NAME: 'x' }),
  );
  expect(refused({ run: ['true'], env: { ID: 2 ** 60 } })[0]?.detail).toContain('put it in quotes');
  expect(refused({ run: ['true'], env: { ID: null } })[0]?.detail).toBe(
    'expected a text, a number, or true or false',
  );
  expect(refused({ run: ['true'], env: { ID: ['a'] } })[0]?.pointer).toBe('/stages/0/env/ID');
});

test('an env_file is named in the pipeline file alone, and not for a request', () => {
  expect(accepted({ run: ['true'], env_file: ['.env'] }).stages[0]?.envFile).toEqual(['.env']);
  expect(refused({ run: ['true'], env_file: ['.env.${params.x}'] })[0]?.pointer).toBe(
    '/stages/0/env_file/0',
  );
  expect(refused({ http: { url: 'http://x/' }, env_file: ['.env'] })[0]).toMatchObject({
    pointer: '/stages/0/env_file',
  });
});

test('labels are free words, each once', () => {
  const run = ['true'];
  expect(accepted({ run }, { labels: ['market', 'am Abend', 'market'] }).labels).toEqual([
    'market',
    'am Abend',
  ]);
  expect(accepted({ run }).labels).toBeUndefined();
  expect(refused({ run }, { labels: ['a,b'] })[0]?.pointer).toBe('/labels/0');
  expect(refused({ run }, { labels: [' a'] })[0]?.pointer).toBe('/labels/0');
  expect(refused({ run }, { labels: [''] })[0]?.pointer).toBe('/labels/0');
});
