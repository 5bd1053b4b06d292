import type { PipelineDefinition } from '../../definition/definition.ts';
import { validateParams } from '../../definition/params.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';

const work = { name: 'work', run: ['true'] };
const file = (more: Record<string, unknown> = {}) => ({ name: 'sample', stages: [work], ...more });
const withStage = (more: Record<string, unknown>) => file({ stages: [{ ...work, ...more }] });
const accepted = (raw: unknown): PipelineDefinition => {
  const parsed = parseDefinition(raw);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.definition;
};
const refused = (raw: unknown) => {
  const parsed = parseDefinition(raw);
  if (parsed.ok) throw new Error('was accepted');
  return parsed.problems;
};

describe('a pipeline file', () => {
  test('with a name and one stage gets every default', () => {
    expect(accepted(file())).toEqual({
      name: 'sample',
      title: 'sample',
      timezone: 'UTC',
      params: {},
      timeoutMs: null,
      env: {},
      concurrency: {
        key: 'sample',
        limit: 1,
        onConflict: 'refuse',
        queue: { max: 1, timeoutMs: null },
      },
      warnAfterMs: null,
      stages: [
        {
          name: 'work',
          title: null,
          program: { kind: 'process', argv: ['true'] },
          with: {},
          cwd: null,
          env: {},
          envFile: [],
          when: null,
          allowFailure: false,
          files: [],
          onRestart: 'retry',
          timeoutMs: 3_600_000,
          totalTimeoutMs: null,
          warnAfterMs: null,
          heartbeatMs: null,
          graceMs: 10_000,
          limits: { memoryBytes: null, outputBytes: 1024 ** 3 },
          retry: {
            limit: 0,
            initialMs: 10_000,
            factor: 2,
            maxMs: 300_000,
            jitter: 0.1,
            neverOn: { exitCodes: [], codes: [], signals: [] },
          },
        },
      ],
    });
  });

  test('a class of failures backs off as its stage where it does not say otherwise, and never more often than the stage', () => {
    const retry = {
      limit: 3,
      backoff: { initial: '1s', jitter: 0 },
      classes: [{ on: { codes: ['timeout'] }, limit: 1, backoff: { initial: '1m' } }],
    };
    expect(accepted(withStage({ retry })).stages[0]?.retry.classes).toEqual([
      {
        on: { codes: ['timeout'], exitCodes: [], signals: [] },
        limit: 1,
        initialMs: 60_000,
        factor: 2,
        maxMs: 300_000,
        jitter: 0,
      },
    ]);
    expect(
      refused(withStage({ retry: { limit: 1, classes: [{ on: { codes: ['x'] }, limit: 2 }] } }))[0],
    ).toMatchObject({
      pointer: '/stages/0/retry/classes/0/limit',
    });
    expect(
      refused(withStage({ retry: { limit: 1, classes: [{ on: {}, limit: 0 }] } }))[0]?.detail,
    ).toContain('name at least one of');
  });

  test.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    [1234, 1234],
  ])('reads the duration %p as %p ms', (written, ms) => {
    expect(accepted(withStage({ timeout: written })).stages[0]?.timeoutMs).toBe(ms);
  });

  test.each(['2 hours', '10', 'h', '-1s', '1e3s', -1, 0.5, '9999d', null, true, {}])(
    'refuses the duration %p',
    (written) => {
      expect(refused(withStage({ grace: written }))[0]).toMatchObject({
        pointer: '/stages/0/grace',
        code: 'invalid',
      });
    },
  );

  test.each([
    ['512MB', 512 * 1024 ** 2],
    ['1.5 GB', 1.5 * 1024 ** 3],
    ['4096kB', 4096 * 1024],
    [2 ** 20, 2 ** 20],
  ])('reads the size %p as %p bytes', (written, bytes) => {
    const limits = { memory: written, output: written };
    expect(accepted(withStage({ limits })).stages[0]?.limits).toEqual({
      memoryBytes: bytes,
      outputBytes: bytes,
    });
  });

  test.each(['512', '512mb', '1023kB', 'much', -1, null, true])(
    'refuses the memory %p',
    (written) => {
      expect(refused(withStage({ limits: { memory: written } }))[0]).toMatchObject({
        pointer: '/stages/0/limits/memory',
        code: 'invalid',
      });
    },
  );

  test('answers each unknown key at its place with the nearest known one', () => {
    expect(refused({ ...withStage({ tmeout: '1h' }), titel: 'x', tiemout: '1h' })).toEqual([
      {
        pointer: '/stages/0/tmeout',
        code: 'unknown-key',
        detail: 'unknown key `tmeout`; did you mean `timeout`?',
      },
      {
        pointer: '/titel',
        code: 'unknown-key',
        detail: 'unknown key `titel`; did you mean `title`?',
      },
      {
        pointer: '/tiemout',
        code: 'unknown-key',
        detail: 'unknown key `tiemout`; did you mean `timeout`?',
      },
    ]);
  });

  test.each([
    ['/stages/0/each', withStage({ each: { items: '${params.x}' } })],
    ['/stages/0/pool', withStage({ pool: { db: 2 } })],
    ['/stages/0/on_restart', withStage({ on_restart: 'adopt' })],
  ])('says of what comes later at %s that it is not supported yet', (pointer, raw) => {
    expect(refused(raw)).toContainEqual({
      pointer,
      code: 'not-supported-yet',
      detail: expect.stringContaining('not supported yet'),
    });
  });

  test.each([
    ['/schedules/0', [{ id: 'x' }], 'exactly one of cron, every and at'],
    ['/schedules/0', [{ cron: '* * * * *', every: '5m' }], 'not cron and every'],
    ['/schedules/0/crno', [{ crno: '* * * * *' }], 'did you mean `cron`?'],
    ['/schedules/0/id', [{ id: 'preview', every: '5m' }], 'is a reserved word'],
    ['/schedules/1/id', [{ every: '5m' }, { every: '10m' }], 'stands above already'],
    ['/schedules/0/every', [{ every: '10ms' }], 'must be at least 1s'],
    ['/schedules/0/at', [{ at: '2027-02-31T10:00' }], 'expected a time such as'],
    ['/schedules/0/overlap', [{ every: '5m', overlap: 'allow' }], 'expected one of'],
    [
      '/schedules/0/blackout/0',
      [{ every: '5m', blackout: [{ from: '22:00', to: '2027-01-01' }] }],
      'two clock times',
    ],
    ['/schedules/0/params/dya', [{ every: '5m', params: { dya: 'x' } }], 'unknown parameter `dya`'],
  ])('refuses at %s the schedules %j', (pointer, schedules, detail) => {
    expect(refused(file({ schedules }))).toContainEqual({
      pointer,
      code: expect.any(String),
      detail: expect.stringContaining(detail),
    });
  });

  test('names its only schedule after itself', () => {
    const parsed = parseDefinition(file({ schedules: [{ every: '5m' }] }));
    expect(parsed).toMatchObject({
      ok: true,
      schedules: [{ id: expect.any(String), written: { every: 300_000 } }],
    });
    if (parsed.ok) expect(parsed.schedules[0]?.id).toBe(parsed.definition.name);
  });

  test.each([
    {},
    { run: ['a'], uses: 'builtin:merger' },
    { run: ['a'], http: { url: 'http://127.0.0.1' } },
  ])('refuses a stage with none or two of run, uses and http: %p', (program) => {
    expect(refused(file({ stages: [{ name: 'a', ...program }] }))[0]).toMatchObject({
      pointer: '/stages/0',
      code: 'invalid',
    });
  });

  test.each(['builtin:Other', 'builtin:a.ts', 'stage.py', ''])('refuses uses: %p', (uses) => {
    expect(refused(file({ stages: [{ name: 'a', uses }] }))[0]).toMatchObject({
      pointer: '/stages/0/uses',
    });
  });

  test.each([
    'Upper',
    '1st',
    'a_b',
    'a'.repeat(41),
    '',
    'pipeline',
    'scheduler',
    'watchdog',
    'system',
    'run',
  ])('refuses the name %p', (name) => {
    expect(refused(file({ name }))[0]).toMatchObject({ pointer: '/name', code: 'invalid' });
    expect(refused(withStage({ name }))[0]).toMatchObject({
      pointer: '/stages/0/name',
      code: 'invalid',
    });
  });

  test.each(['reload', 'overview'])(
    'SEC-17: no pipeline is called %s, which is an address',
    (name) => {
      expect(refused(file({ name }))[0]).toMatchObject({ pointer: '/name', code: 'invalid' });
      expect(accepted(withStage({ name })).stages[0]?.name).toBe(name);
    },
  );

  test('refuses two stages of one name', () => {
    expect(refused(file({ stages: [work, work] }))).toEqual([
      {
        pointer: '/stages/1/name',
        code: 'invalid',
        detail: 'a stage named `work` stands above already; names are unique',
      },
    ]);
  });

  test('refuses a time zone that does not exist', () => {
    expect(refused(file({ timezone: 'Mars/Olympus' }))[0]).toMatchObject({ pointer: '/timezone' });
    expect(accepted(file({ timezone: 'America/Chicago' })).timezone).toBe('America/Chicago');
  });

  test.each([null, [], 'text', 7, {}, { name: {}, stages: 1 }, { name: 'a', stages: [null] }])(
    'is never a crash: %p',
    (raw) => {
      expect(refused(raw).length).toBeGreaterThan(0);
    },
  );

  test('nested without end is refused instead of overflowing the stack', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 50_000; level += 1) deep = [deep];
    expect(refused(withStage({ with: { deep } }))[0]?.detail).toContain('nested deeper');
  });
});

describe('a reference', () => {
  const two = (reference: string) =>
    file({
      params: { day: { type: 'string' } },
      stages: [work, { name: 'second', run: ['echo', reference] }],
    });

  test.each([
    '${params.day}',
    '${stages.work.outputs.rows}',
    '${run.id}',
    '${run.number}',
    '${run.workspace}',
    '${env.TZ}',
    '$${HOME}',
  ])('to %s is accepted', (reference) => expect(accepted(two(reference)).stages).toHaveLength(2));

  test.each([
    ['${params.dya}', 'did you mean `day`?'],
    ['${stages.second.outputs.x}', 'is no stage before `second`'],
    ['${stages.later.outputs.x}', 'is no stage before `second`'],
    ['${stages.work.rows}', 'expected stages.work.outputs.<name>'],
    ['${run.slto}', 'did you mean `slot`?'],
    ['${param.day}', 'did you mean `params`?'],
    ['${HOME}', "a shell's own is written $${…}"],
    ['${}', 'unknown source'],
  ])('to %s is refused when the file is loaded', (reference, detail) => {
    expect(refused(two(reference))).toEqual([
      { pointer: '/stages/1/run', code: 'invalid', detail: expect.stringContaining(detail) },
    ]);
  });

  test('in the env of the pipeline is refused, not handed over as text', () => {
    expect(refused({ ...two('x'), env: { DAY: '${params.day}' } })[0]).toMatchObject({
      pointer: '/env/DAY',
      code: 'not-supported-yet',
    });
  });
});

describe('parameters', () => {
  const definition = accepted(
    file({
      params: {
        day: { type: 'string', format: 'date', default: '2018-05-11' },
        rows: { type: 'integer', default: 3 },
        side: { type: 'string', enum: ['long', 'short'], default: 'long' },
        instruments: { type: 'array', items: { type: 'string' }, default: [] },
        must: { type: 'boolean' },
      },
    }),
  );

  test('get their defaults, and false is a value', () => {
    expect(validateParams(definition, { must: false })).toEqual({
      ok: true,
      params: { day: '2018-05-11', rows: 3, side: 'long', instruments: [], must: false },
    });
  });

  test.each([
    ['/params/must', {}],
    ['/params/day', { must: true, day: '2018-02-30' }],
    ['/params/rows', { must: true, rows: '3' }],
    ['/params/rows', { must: true, rows: 1.5 }],
    ['/params/side', { must: true, side: 'up' }],
    ['/params/instruments', { must: true, instruments: [1] }],
    ['/params/must', { must: null }],
  ])('are refused at %s: %p', (pointer, given) => {
    const result = validateParams(definition, given);
    expect(result).toMatchObject({ ok: false, errors: [{ pointer }] });
  });

  test.each([
    [{ type: 'string', max_length: 3 }, 'abc', 'abcd'],
    [{ type: 'array', max_length: 1 }, ['a'], ['a', 'b']],
    [{ type: 'integer', min: 1, max: 9 }, 1, 0],
    [{ type: 'number', min: 1, max: 9 }, 9, 9.1],
  ])('are bounded as the file says: %j', (param, inside, outside) => {
    const bounded = accepted(file({ params: { value: param } }));
    expect(validateParams(bounded, { value: inside })).toMatchObject({ ok: true });
    expect(validateParams(bounded, { value: outside })).toMatchObject({
      ok: false,
      errors: [{ pointer: '/params/value' }],
    });
  });

  test.each([
    // A pattern of a careless author, on a text of anybody, could hold up the service for hours.
    ['/params/value/pattern', { type: 'string', pattern: '(a+)+' }],
    ['/params/value/min', { type: 'string', min: 1 }],
    ['/params/value/max_length', { type: 'boolean', max_length: 1 }],
    ['/params/value/default', { type: 'integer', max: 3, default: 4 }],
  ])('with a bound that makes no sense are a problem of the file at %s', (pointer, param) => {
    expect(refused(file({ params: { value: param } }))[0]).toMatchObject({ pointer });
  });

  test('that nobody declared are refused with the nearest declared one', () => {
    expect(validateParams(definition, { must: true, instrument: [] })).toMatchObject({
      errors: [
        {
          pointer: '/params/instrument',
          detail: 'unknown parameter `instrument`; did you mean `instruments`?',
        },
      ],
    });
  });

  test('whose default does not fit their type are a problem of the file', () => {
    expect(
      refused(file({ params: { rows: { type: 'integer', default: 'three' } } }))[0],
    ).toMatchObject({
      pointer: '/params/rows/default',
    });
  });
});

describe('SEC-9: a value inside code', () => {
  const running = (...run: string[]) =>
    file({
      params: { who: { type: 'string', default: 'x' } },
      stages: [{ name: 'work', run }],
    });

  test.each([
    ['sh', '-c', 'echo ${params.who}'],
    ['/bin/bash', '-euc', 'echo "${params.who}"'],
    ['bash', '-c', '-e', 'echo ${params.who}'],
    ['env', 'A=1', 'nice', '-n', '5', 'sh', '-c', 'echo ${params.who}'],
    ['bash', '-o', 'pipefail', '-c', 'echo ${params.who}'],
    ['python3', '-W', 'ignore', '-c', '${params.who}'],
    ['python3', '-Ic', 'print("${params.who}")'],
    ['python3.12', '-c', 'print(${params.who})'],
    ['node', '--eval=${params.who}'],
    ['node', '-pe', '${params.who}'],
    ['perl', '-ne', '${params.who}'],
    ['ruby', '-e', '${params.who}'],
    ['php', '-r', '${params.who}'],
  ])('is refused, and the words say what to write: %s %s %s', (...run) => {
    expect(refused(running(...run))).toEqual([
      {
        pointer: `/stages/0/run/${run.length - 1}`,
        code: 'param-in-shell',
        detail: expect.stringContaining('env: { WHO: "${params.who}" }'),
      },
    ]);
  });

  test('as the program itself is refused', () => {
    expect(refused(running('${params.who}', 'x'))).toMatchObject([
      { pointer: '/stages/0/run/0', code: 'param-in-shell' },
    ]);
  });

  test.each([
    [['sh', '-c', 'echo "$1"', 'sh', '${params.who}']],
    [['sh', 'script.sh', '${params.who}']],
    [['python3', 'report.py', '-c', '${params.who}']],
    [['sh', '-c', 'echo ${run.id}']],
    [['sh', '-c', 'echo $${params.who}']],
    [['printf', '%s', '${params.who}']],
  ])('that is an argument, our own or escaped is not one: %j', (run) => {
    expect(parseDefinition(running(...run))).toMatchObject({ ok: true });
  });
});

test('TRUTH-18: what is refused for now is not among the words that are known', () => {
  const [problem] = refused(file({ stages: [{ name: 'a', run: ['b'], zzzzzz: 1 }] }));
  expect(problem?.detail).toContain('known are');
  expect(problem?.detail).not.toMatch(/parallel|each/);
});

test('UI-16: whoever waits half an hour first is not cut to the default of five minutes', () => {
  const wait = (retry: object) =>
    accepted(file({ stages: [{ name: 'a', run: ['b'], retry: { limit: 1, ...retry } }] })).stages[0]
      ?.retry;
  expect(wait({ backoff: { initial: '30m' } })?.maxMs).toBe(1_800_000);
  expect(wait({ backoff: { initial: '1m' } })?.maxMs).toBe(300_000);
  expect(wait({ backoff: { initial: '30m', max: '5m' } })?.maxMs).toBe(300_000);
  const classes = [{ on: { codes: ['timeout'] }, limit: 1, backoff: { initial: '1h' } }];
  expect(wait({ classes })?.classes?.[0]?.maxMs).toBe(3_600_000);
});

describe('a stage that is a request', () => {
  const asking = (http: object, stage: object = {}, more: object = {}) =>
    file({
      secrets: ['API_TOKEN'],
      stages: [{ name: 'ask', http: { url: 'https://example.com', ...http }, ...stage }],
      ...more,
    });

  test('is a GET that accepts every 2xx unless it says otherwise', () => {
    expect(accepted(asking({})).stages[0]?.program).toEqual({
      kind: 'http',
      url: 'https://example.com',
      method: 'GET',
      headers: {},
      statuses: null,
      redirect: 'none',
      maxBytes: 1024 ** 2,
    });
  });

  test.each([
    ['/stages/0/http/url', { url: 'file:///etc/passwd' }],
    ['/stages/0/http/url', { url: 'example.com' }],
    ['/stages/0/http/url', { url: 'ftp://${env.HOST}/' }],
    ['/stages/0/http/method', { method: 'TRACE' }],
    ['/stages/0/http/redirect', { redirect: 'all' }],
    ['/stages/0/http/body', { body: 'x' }],
    ['/stages/0/http/body', { method: 'HEAD', body: null }],
    ['/stages/0/http/headers/Content-Length', { headers: { 'Content-Length': '1' } }],
    ['/stages/0/http/headers/a b', { headers: { 'a b': '1' } }],
    ['/stages/0/http/expect/status/0', { expect: { status: [99] } }],
    ['/stages/0/http/max_body', { max_body: '1GB' }],
    ['/stages/0/http/bodi', { bodi: 1 }],
  ])('is refused at %s: %j', (pointer, http) =>
    expect(refused(asking(http))).toContainEqual(expect.objectContaining({ pointer })),
  );

  test.each([
    ['with', { a: 1 }],
    ['cwd', 'x'],
    ['env', { A: 'b' }],
    ['grace', '1s'],
    ['limits', { memory: '1GB' }],
  ])('does not take `%s`, which only a program could use', (field, value) =>
    expect(refused(asking({}, { [field]: value }))).toMatchObject([
      { pointer: `/stages/0/${field}`, detail: expect.stringContaining('has no meaning') },
    ]),
  );

  test('takes a secret in headers and body, and nowhere else; one that nobody declared is named', () => {
    const secret = '${secrets.API_TOKEN}';
    const sent = { method: 'POST', headers: { A: secret }, body: { deep: [secret] } };
    expect(accepted(asking(sent)).stages).toHaveLength(1);
    const places = [
      asking({ url: `https://example.com/${secret}` }),
      asking({}, { files: [{ path: secret }] }),
      file({ secrets: ['API_TOKEN'], stages: [{ ...work, run: ['echo', secret] }] }),
      file({ secrets: ['API_TOKEN'], stages: [{ ...work, env: { A: secret } }] }),
    ];
    for (const place of places)
      expect(refused(place)[0]?.detail).toContain('a secret cannot be inserted here');
    expect(refused(asking({ headers: { A: '${secrets.API_TOKN}' } }))[0]?.detail).toContain(
      'did you mean `API_TOKEN`?',
    );
  });
});

describe('stages beside each other', () => {
  const named = (name: string, more: object = {}) => ({ ...work, name, ...more });
  const group = (more: object = {}, ...stages: object[]) =>
    file({ stages: [named('first'), { parallel: stages, ...more }, named('last')] });
  const two = [named('left'), named('right')];

  test('stand one after the other in the list, and the group names them', () => {
    const { stages, groups } = accepted(group({}, ...two));
    expect(stages.map(({ name }) => name)).toEqual(['first', 'left', 'right', 'last']);
    expect(groups).toEqual([
      { name: 'parallel-1', title: null, stages: ['left', 'right'], failFast: false },
    ]);
    const named = accepted(group({ name: 'both', title: 'Both', fail_fast: true }, ...two));
    expect(named.groups).toMatchObject([{ name: 'both', title: 'Both', failFast: true }]);
    expect(accepted(file()).groups).toBeUndefined();
  });

  test('may use what surely ended before, and be used after', () => {
    const uses = (name: string) => ({ env: { A: `\${stages.${name}.outputs.n}` } });
    expect(accepted(group({}, named('left', uses('first')), named('right'))).stages).toHaveLength(
      4,
    );
    const after = [named('first'), { parallel: two }, named('last', uses('right'))];
    expect(accepted(file({ stages: after })).stages).toHaveLength(4);
    expect(refused(group({}, named('left'), named('right', uses('left'))))).toEqual([
      {
        pointer: '/stages/1/parallel/1/env',
        code: 'invalid',
        detail:
          '${stages.left.outputs.n}: `left` works beside `right`, so that its outputs may not be there yet',
      },
    ]);
    expect(refused(group({}, named('left', uses('last')), named('right')))).toMatchObject([
      { detail: expect.stringContaining('`last` is no stage before `left`') },
    ]);
  });

  test.each([
    ['/stages/1/parallel', 'at least two', group({}, named('left'))],
    ['/stages/1/parallel', 'expected a list', file({ stages: [work, { parallel: 1 }] })],
    [
      '/stages/1/parallel/1/parallel',
      'a group cannot stand in a group',
      group({}, named('left'), { name: 'in', parallel: two }),
    ],
    [
      '/stages/1/parallel/0/run/0',
      'a text',
      group({}, named('left', { run: [1] }), named('right')),
    ],
    ['/stages/1/timeout', 'unknown key', group({ timeout: '1h' }, ...two)],
    ['/stages/1/parallel/1/name', 'stands above already', group({}, named('left'), named('first'))],
    ['/stages/1/name', 'stands above already', group({ name: 'first' }, ...two)],
    [
      '/stages/2',
      'stands above already',
      file({ stages: [named('parallel-1'), work, { parallel: two }] }),
    ],
    ['/stages/1/fail_fast', 'expected', group({ fail_fast: 'yes' }, ...two)],
    [
      '/stages/1/parallel/1/approval',
      'before or after parallel-1',
      group({}, named('left'), { name: 'ask', approval: { message: 'go?' } }),
    ],
    [
      '/finally/0/name',
      'stands above already',
      { ...group({}, ...two), finally: [named('parallel-1')] },
    ],
    [
      '/on_failure/0/parallel',
      'hooks run one after the other',
      file({ on_failure: [{ name: 'tell', parallel: two }] }),
    ],
    [
      '/stages/1/parallel/1/allow_failure',
      'expected',
      group({}, named('left'), named('right', { allow_failure: 1 })),
    ],
  ])('is refused at %s: %s', (pointer, detail, raw) => {
    expect(refused(raw)).toContainEqual(
      expect.objectContaining({ pointer, detail: expect.stringContaining(detail) }),
    );
  });

  test('a hundred stages are the most, wherever they stand', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => named(`s${at}`));
    const beside = (count: number) => file({ stages: [work, { parallel: many(count) }] });
    expect(accepted(beside(99)).stages).toHaveLength(100);
    expect(refused(beside(100))).toMatchObject([{ pointer: '/stages' }]);
  });
});

describe('hooks', () => {
  const hook = { name: 'tell', run: ['true'] };

  test('are stages with ten minutes, in lists of their own', () => {
    const {
      stages,
      onFailure,
      finally: last,
    } = accepted(
      file({ on_failure: [hook], finally: [{ ...hook, name: 'clean', timeout: '1m' }] }),
    );
    expect([stages.length, onFailure?.[0]?.timeoutMs, last?.[0]?.timeoutMs]).toEqual([
      1, 600_000, 60_000,
    ]);
    expect(accepted(file({ finally: [] }))).not.toHaveProperty('finally');
  });

  test.each([
    ['/on_failure', file({ on_failure: { pause_after: 3 } }), '`on_failures`'],
    ['/on_failures', file({ on_failures: [hook] }), '`on_failure`'],
    ['/finally/0/name', file({ finally: [{ ...hook, name: 'work' }] }), 'names are unique'],
    [
      '/finally/0/allow_failure',
      file({ finally: [{ ...hook, allow_failure: true }] }),
      'no meaning',
    ],
    ['/on_failure/0/run', file({ on_failure: [{ ...hook, run: 'x' }] }), 'script:'],
    [
      '/on_failure/0/env',
      file({
        on_failure: [{ ...hook, env: { A: '${stages.clean.outputs.x}' } }],
        finally: [{ ...hook, name: 'clean' }],
      }),
      'no stage before',
    ],
    [
      '/finally/0/approval',
      file({ finally: [{ name: 'ask', approval: { message: 'go?' } }] }),
      'cannot wait for somebody',
    ],
    ['/finally/0/tmeout', file({ finally: [{ ...hook, tmeout: '1m' }] }), '`timeout`'],
  ])('at %s are refused with what to do', (pointer, raw, text) => {
    expect(refused(raw)).toContainEqual(
      expect.objectContaining({ pointer, detail: expect.stringContaining(text) }),
    );
  });
});

test.each([
  ['/stages/0/approval/message', { message: ' ' }, {}],
  ['/stages/0/approval/message', { message: 'day ${params.day}?' }, {}],
  ['/stages/0/approval/default', { message: 'go?', default: 'approve' }, {}],
  ['/stages/0/approval/deadline', { message: 'go?', deadline: 0 }, {}],
  ['/stages/0/timeout', { message: 'go?' }, { timeout: '1h' }],
  ['/stages/0/allow_failure', { message: 'go?' }, { allow_failure: true }],
])('an approval is refused at %s: %j %j', (pointer, approval, more) => {
  expect(refused(file({ stages: [{ name: 'ask', approval, ...more }] }))).toContainEqual(
    expect.objectContaining({ pointer }),
  );
});
