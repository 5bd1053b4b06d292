import { readConfig, UsageError } from '../../../services/host/config.ts';

const noFile = (path: string): string => {
  throw new Error(`no such file ${path}`);
};
const problemsOf = (
  argv: string[],
  env: Record<string, string> = {},
  readFile = noFile,
): string => {
  try {
    readConfig(argv, env, readFile);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('was accepted');
};

test('nothing given gives the documented defaults', () => {
  expect(readConfig([], {}, noFile)).toEqual({
    host: '127.0.0.1',
    port: 8000,
    data_dir: './data',
    pipelines: './pipelines',
    store: 'sqlite',
    synchronous: 'FULL',
    log_level: 'info',
    allowed_hosts: [],
    allowed_origins: [],
    shutdown_timeout: 8000,
    max_clients: 2000,
    watchdog_interval: 30_000,
    min_free_disk: 100 * 1024 ** 2,
    ballast: 32 * 1024 ** 2,
    retention_age: 90 * 86_400_000,
    retention_runs: 1000,
    retention_size: 10 * 1024 ** 3,
    channels: {},
    notify: [],
    inspect_in: false,
    new_store: false,
  });
});

test('--new-store is said by hand, and neither in a variable nor in a file', () => {
  expect(readConfig(['--new-store'], {}, noFile).new_store).toBe(true);
  expect(problemsOf([], { STAGEWRIGHT_NEW_STORE: 'true' })).toContain('STAGEWRIGHT_NEW_STORE');
  expect(problemsOf(['--config', 'c.json'], {}, () => '{"new_store":true}')).toContain('new_store');
});

test('a flag wins over a variable, a variable over the file, the file over the default', () => {
  const file = () => JSON.stringify({ port: 1, data_dir: 'file', log_level: 'warn' });
  const env = {
    STAGEWRIGHT_CONFIG: 'c.json',
    STAGEWRIGHT_PORT: '2',
    STAGEWRIGHT_DATA_DIR: 'variable',
  };
  expect(readConfig(['--port', '3'], env, file)).toMatchObject({
    port: 3,
    data_dir: 'variable',
    log_level: 'warn',
    host: '127.0.0.1',
  });
});

test('lists are separated by commas, times are durations or milliseconds', () => {
  expect(
    readConfig(['--allowed-hosts', 'a.test,b.test', '--shutdown-timeout', '5s'], {}, noFile),
  ).toMatchObject({
    allowed_hosts: ['a.test', 'b.test'],
    shutdown_timeout: 5000,
  });
  expect(readConfig([], { STAGEWRIGHT_SHUTDOWN_TIMEOUT: '1500' }, noFile).shutdown_timeout).toBe(
    1500,
  );
});

test.each([
  [['--prot', '1'], 'did you mean --port?'],
  [['somewhere'], 'Unexpected argument'],
  [['--port'], '--port'],
  [['--port', '65536'], '--port: expected a port'],
  [['--port', ''], '--port: expected a port'],
  [['--port', '0x50'], '--port: expected a port'],
  [['--host', '0.0.0.0'], '--host: only loopback'],
  [['--store', 'postgres://db'], '--store: only sqlite for now; PostgreSQL is not supported yet'],
  [['--synchronous', 'OFF'], '--synchronous'],
  [['--log-level', 'loud'], '--log-level'],
  [['--watchdog-interval', '10ms'], '--watchdog-interval: expected at least 1s'],
  [['--ballast', 'much'], '--ballast: expected a size'],
  [['--config', 'gone.json'], 'gone.json: no such file gone.json'],
])('%p is refused: %s', (argv, problem) => {
  expect(problemsOf(argv)).toContain(problem);
});

test('port 0 asks for a free one', () => {
  expect(readConfig(['--port', '0'], {}, noFile).port).toBe(0);
});

test('every problem is told at once, each with where it was written', () => {
  const file = () => '{"log_levle": "info", "synchronous": "OFF"}';
  expect(
    problemsOf(
      ['--config', 'c.json'],
      { STAGEWRIGHT_PORT: 'x', STAGEWRIGHT_HSOT: 'y' },
      file,
    ).split('\n'),
  ).toEqual([
    'unknown variable `STAGEWRIGHT_HSOT`; did you mean `STAGEWRIGHT_HOST`?',
    'c.json: unknown key `log_levle`; did you mean `log_level`?',
    'STAGEWRIGHT_PORT: expected a port from 0 (any free one) to 65535',
    expect.stringContaining('synchronous in c.json: '),
  ]);
});

test('SEC-20: a config file that is none is not quoted', () => {
  const told = problemsOf(['--config', 'c.json'], {}, () => 'hunter2-is-the-password');
  expect(told).toContain('c.json: is not valid JSON');
  expect(told).not.toContain('hunter2');
});

test.each(['[]', 'null', '{', '"x"'])('a config file that holds %s is refused', (text) => {
  expect(problemsOf(['--config', 'c.json'], {}, () => text)).toContain('c.json: ');
});

test('a service started inside a stage ignores the variables of that stage', () => {
  const names = [
    'RUN_ID',
    'PIPELINE',
    'STAGE',
    'ATTEMPT',
    'ATTEMPT_TOKEN',
    'WORKSPACE',
    'IDEMPOTENCY_KEY',
    'PARAMS',
    'OUTPUTS',
    'REQUEST',
  ];
  const env = Object.fromEntries([...names, 'URL'].map((name) => [`STAGEWRIGHT_${name}`, 'x']));
  expect(readConfig([], env, noFile).port).toBe(8000);
});

test('a retention limit is a size, a number or a duration, or off; anything else is named', () => {
  const { retention_age, retention_runs, retention_size } = readConfig(
    ['--retention-age', '7d', '--retention-runs', 'off', '--retention-size', '1.5GB'],
    {},
    noFile,
  );
  expect({ retention_age, retention_runs, retention_size }).toEqual({
    retention_age: 7 * 86_400_000,
    retention_runs: null,
    retention_size: 1.5 * 1024 ** 3,
  });
  expect(() => readConfig(['--retention-size', 'much'], {}, noFile)).toThrow(
    /--retention-size: expected a size such as 500MB/,
  );
});
