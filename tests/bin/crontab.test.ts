import fc from 'fast-check';
import { cronOf } from '../../bin/crontab/cron-times.ts';
import { pipelineFile } from '../../bin/crontab/crontab-pipeline.ts';
import { jobNames } from '../../bin/crontab/job-name.ts';
import { readCrontab } from '../../bin/crontab/read-crontab.ts';
import { scheduleOf } from '../../definition/schedule.ts';
import { planOf } from '../../services/calendar/planner.ts';
import { nextByCrontab5 } from '../support/crontab5.ts';

const from = Date.UTC(2027, 1, 25, 13, 7);
const nextOurs = (cron: string, count: number): string[] =>
  planOf('p', scheduleOf({ cron }, 'UTC'))
    .between(from, Number.POSITIVE_INFINITY, count)
    .map(({ slot }) => new Date(slot).toISOString());

const names = {
  month: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
  day: 'sun mon tue wed thu fri sat'.split(' '),
};
/** Parts of a field as people and as pedants write them. */
const fieldOf = (low: number, high: number, words: string[] = [], first = 0) => {
  const number = fc.integer({ min: low, max: high });
  const shown = number.map((n) => words[n - first] ?? String(n));
  const step = fc.integer({ min: 1, max: high });
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const part = fc.oneof(
    { weight: 3, arbitrary: shown },
    range,
    fc.tuple(fc.oneof(range, fc.constant('*')), step).map(([one, n]) => `${one}/${n}`),
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    {
      weight: 4,
      arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }).map((all) => all.join(',')),
    },
  );
};
const anyTimes = fc.tuple(
  fieldOf(0, 59),
  fieldOf(0, 23),
  fieldOf(1, 28),
  fieldOf(1, 12, names.month, 1),
  fieldOf(0, 7, names.day),
);

test('the times of a line are those that crontab(5) gives it, read by somebody who knows nothing of our schedules', () => {
  fc.assert(
    fc.property(anyTimes, (fields) => {
      expect(nextOurs(cronOf(fields), 8)).toEqual(nextByCrontab5(fields, from, 8));
    }),
    { numRuns: 300 },
  );
});

test.each([
  // Either of two named days; both where one begins with a star.
  ['0 0 13 * fri', '0 0 13 * 5'],
  ['0 0 */2 * 1', '0 0 */2 * +1'],
  ['0 0 1 * */2', '0 0 1 * +*/2'],
  ['0 0 */1 * 1', '0 0 * * 1'],
  ['0 0 * * 1-7/2', '0 0 * * 0,1,3,5'],
  ['5 4 * JAN-mar Sun', '5 4 * 1-3 0'],
])('%s becomes %s', (written, cron) => expect(cronOf(written.split(' '))).toBe(cron));

test.each([
  '60 0 * * *',
  '0 24 * * *',
  '0 0 0 * *',
  '0 0 * 13 *',
  '0 0 * * 8',
  '0 0 L * *',
  '0 0 * * 1#2',
  '5/10 * * * *',
  '*/0 * * * *',
  '9-3 * * * *',
  '0~30 * * * *',
  '0 0 * * monday',
])('%s is not one that crontab(5) has', (written) =>
  expect(() => cronOf(written.split(' '))).toThrow('crontab(5)'),
);

test('lines are read as cron reads them: settings hold from there on, % is a line of input, what is no line is named', () => {
  const { jobs, leftOut, notes } = readCrontab(
    [
      '# a comment',
      'A = 1',
      '* * * * * first',
      '\tNAME="two words" ',
      'SHELL=/bin/bash',
      'CRON_TZ=Asia/Tokyo',
      'MAILTO=me@example.org',
      'DB_PASSWORD=hunter2',
      "@daily mail -s 'at 5\\% off' you%line one%line two",
      '@reboot /srv/start.sh',
      '0 0 31 * *',
      'nonsense',
      'CRON_TZ=Mars/Base',
      'odd-name=1',
    ].join('\r\n'),
    false,
  );
  expect(jobs.map(({ line, cron, command, input }) => ({ line, cron, command, input }))).toEqual([
    { line: 3, cron: '* * * * *', command: 'first', input: null },
    { line: 9, cron: '@daily', command: "mail -s 'at 5% off' you", input: 'line one\nline two' },
    { line: 10, cron: null, command: '/srv/start.sh', input: null },
  ]);
  expect([jobs[0]?.env, jobs[0]?.shell, jobs[0]?.timezone]).toEqual([{ A: '1' }, '/bin/sh', null]);
  expect([jobs[1]?.env, jobs[1]?.shell, jobs[1]?.timezone]).toEqual([
    { A: '1', NAME: 'two words', DB_PASSWORD: 'hunter2' },
    '/bin/bash',
    'Asia/Tokyo',
  ]);
  expect(jobs[2]?.notes[0]).toContain('stagewright serve --start NAME');
  expect(leftOut.map(({ line }) => line)).toEqual([11, 12, 13, 14]);
  expect(notes.map((note) => note.split(' ')[0])).toEqual(['MAILTO', 'DB_PASSWORD']);
});

test('a crontab of the system has a user in each line, who is not carried over', () => {
  const { jobs, leftOut } = readCrontab(
    '17 * * * * root cd / && run-parts /etc/cron.hourly\n@daily root\n',
    true,
  );
  expect(jobs).toMatchObject([
    { user: 'root', command: 'cd / && run-parts /etc/cron.hourly', cron: '17 * * * *' },
  ]);
  expect(jobs[0]?.notes).toEqual(['it ran as root; here it runs as the user of the service']);
  expect(leftOut[0]?.why).toBe('expected a name such as @daily, a user and a command');
});

test('a pipeline is called by what its line runs, and none twice', () => {
  const commands = [
    'cd /srv/app && /srv/app/bin/backup.sh --full',
    'python3 /opt/Report_Daily.py',
    'test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )',
    'A=1 nice -n 10 flock -n /tmp/l ./backup.sh',
    '"$HOME/x"',
    '[ -f /x ] && true',
    'reload',
  ];
  const made = jobNames(commands, ['reload']);
  expect(made.slice(0, 2)).toEqual(['backup', 'report-daily']);
  expect(made.at(-1)).toBe('reload-2');
  expect(new Set(made).size).toBe(made.length);
  for (const name of made) expect(name).toMatch(/^[a-z][a-z0-9-]{0,39}$/);
});

test('what a command or a variable holds stands in the file as itself, whatever it holds', () => {
  const [job] = readCrontab(
    'A=${B}\n* * * * * echo "${HOME} \u2028" \t# not: a [yaml] {list}\n',
    false,
  ).jobs;
  if (!job) throw new Error('there is no job');
  const text = pipelineFile(job, { name: 'p', source: 'c\nd', timezone: 'UTC' });
  expect(text).toContain('  A: "$${B}"');
  expect(text).toContain('"set +eu\\ncd\\necho \\"${HOME} ');
  const other = pipelineFile(
    { ...job, shell: '/opt/fish', env: {} },
    { name: 'p', source: 'c', timezone: 'UTC' },
  );
  expect(other).toContain('"/opt/fish"');
  expect(other).toContain('$${HOME}');
  const bash = pipelineFile(
    { ...job, shell: '/usr/bin/bash', command: 'echo ${A}' },
    { name: 'p', source: 'c', timezone: 'UTC' },
  );
  expect(bash).toContain(
    '    script:\n      shell: bash\n      text: |\n        set +eu\n        cd\n        echo ${A}\n',
  );
  expect(text.split('\n').filter((line) => line.startsWith('d'))).toEqual([]);
});
