import type { PipelineDefinition } from '../../definition/definition.ts';
import {
  type Finding,
  type LintCode,
  lintRules,
  type ScheduleFacts,
} from '../../definition/finding.ts';
import { lint } from '../../definition/lint/lint.ts';
import { notifyFindings } from '../../definition/lint/notify-findings.ts';
import { scheduleFindings } from '../../definition/lint/schedule-findings.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';

type Raw = Record<string, unknown>;
const work = { name: 'work', run: ['work'], timeout: '10m' };
const withStage = (more: Raw, run: Raw = {}): Raw => ({
  name: 'sample',
  stages: [{ ...work, ...more }],
  ...run,
});
const has = (raw: unknown, pointer: string): boolean =>
  pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((inner, key) => (inner as Raw | undefined)?.[key], raw) !== undefined;

const facts: ScheduleFacts = {
  id: 'sample',
  pointer: '/schedules/0',
  enabled: true,
  saysOverlap: false,
  intervalMs: null,
  isOver: false,
  meets: null,
};
const findings = (raw: Raw, intervalMs: number | null = null): Finding[] => {
  const parsed = parseDefinition(raw);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return lint(parsed.definition, {
    isWritten: (pointer) => has(raw, pointer),
    schedules: intervalMs === null ? [] : [{ ...facts, intervalMs }],
    shutdownGraceMs: 4000,
    channels: null,
  });
};
const codes = (raw: Raw, intervalMs: number | null = null) =>
  findings(raw, intervalMs).map(({ code, pointer }) => `${code} ${pointer}`);
const asking = (more: Raw): Raw => ({
  name: 'sample',
  stages: [{ name: 'ask', approval: { message: 'go?', ...more } }],
});
const retry = (more: Raw) => ({ limit: 2, ...more });
const classes = (...on: Raw[]) => on.map((one) => ({ on: one, limit: 1 }));

/**
 * Just over the line, and just not: each rule speaks in the first case and is silent in the second.
 */
const cases: [code: LintCode, pointer: string, spoken: Raw, silent: Raw][] = [
  [
    'default-timeout',
    '/stages/0',
    { name: 'a', stages: [{ name: 'work', run: ['work'] }] },
    withStage({ timeout: 3_600_000 }),
  ],
  [
    'no-heartbeat',
    '/stages/0',
    withStage({ timeout: '2h' }),
    withStage({ timeout: '2h', heartbeat: '5m' }),
  ],
  ['no-heartbeat', '/stages/0', withStage({ timeout: '2h' }), withStage({ timeout: '119m' })],
  [
    'limit-never-reached',
    '/stages/0/heartbeat',
    withStage({ heartbeat: '10m' }),
    withStage({ heartbeat: '9m' }),
  ],
  [
    'limit-never-reached',
    '/stages/0/warn_after',
    withStage({ warn_after: '10m' }),
    withStage({ warn_after: '9m' }),
  ],
  [
    'limit-never-reached',
    '/stages/0/timeout',
    withStage({ total_timeout: '10m' }),
    withStage({ total_timeout: '11m' }),
  ],
  [
    'limit-never-reached',
    '/stages/0/timeout',
    withStage({}, { timeout: '10m' }),
    withStage({}, { timeout: '11m' }),
  ],
  [
    ...(['limit-never-reached', '/stages/0/total_timeout'] as const),
    withStage({ total_timeout: '1h' }, { timeout: '1h' }),
    withStage({ total_timeout: '1h' }, { timeout: '2h' }),
  ],
  [
    'limit-never-reached',
    '/warn_after',
    withStage({}, { timeout: '1h', warn_after: '1h' }),
    withStage({}, { timeout: '1h', warn_after: '59m' }),
  ],
  [
    ...(['retry-never-reached', '/stages/0/retry/limit'] as const),
    // 10 min and 20 min, a tenth less by jitter: 27 min at least.
    withStage({ retry: retry({ backoff: { initial: '10m', max: '1h' } }) }, { timeout: '27m' }),
    withStage({ retry: retry({ backoff: { initial: '10m', max: '1h' } }) }, { timeout: '28m' }),
  ],
  [
    ...(['retry-never-reached', '/stages/0/retry/limit'] as const),
    withStage(
      { total_timeout: '15m', retry: { limit: 1, backoff: { initial: '20m', max: '20m' } } },
      { timeout: '1d' },
    ),
    withStage(
      { total_timeout: '25m', retry: { limit: 1, backoff: { initial: '20m', max: '20m' } } },
      { timeout: '1d' },
    ),
  ],
  ...['python3', '/usr/bin/python3.12', 'sh', 'bash'].map((name): (typeof cases)[number] => [
    ...(['permanent-error-retried', '/stages/0/retry'] as const),
    withStage({ run: [name, 'x'], retry: retry({}) }),
    withStage({ run: [name, 'x'], retry: retry({ never_on: { exit_codes: [2] } }) }),
  ]),
  [
    ...(['permanent-error-retried', '/stages/0/retry'] as const),
    withStage({ run: ['sh', 'x'], retry: retry({}) }),
    withStage({ run: ['./run.sh', 'x'], retry: retry({}) }),
  ],
  [
    ...(['permanent-error-retried', '/stages/0/retry'] as const),
    withStage({ run: ['sh', 'x'], retry: retry({}) }),
    withStage({ run: ['sh', '-ec', 'true'], retry: retry({}) }),
  ],
  [
    ...(['double-dollar', '/stages/0/run/2'] as const),
    withStage({ run: ['sh', '-c', 'echo $$HOME'] }),
    withStage({ run: ['sh', '-c', 'echo $$.log $HOME $${HOME}'] }),
  ],
  [
    ...(['double-dollar', '/stages/0/script'] as const),
    withStage({ run: undefined, script: 'echo $${HOME}' }),
    withStage({ run: undefined, script: 'echo ${HOME} $$ /tmp/x.$$.log' }),
  ],
  [
    ...(['when-constant', '/stages/0/when'] as const),
    {
      ...withStage({ when: { equals: ['${params.full}', 'yes'] } }),
      params: { full: { type: 'boolean', default: true } },
    },
    {
      ...withStage({ when: { equals: ['${params.full}', false] } }),
      params: { full: { type: 'boolean', default: true } },
    },
  ],
  [
    ...(['when-constant', '/stages/0/when'] as const),
    withStage({ when: { in: [1, [1, 2]] } }),
    withStage({ when: { exists: '${env.DEBUG}' } }),
  ],
  [
    ...(['double-dollar', '/stages/0/env/PLACE'] as const),
    withStage({ env: { PLACE: '$$HOME/x' } }),
    withStage({ env: { PLACE: '$HOME/x' } }),
  ],
  [
    ...(['class-never-used', '/stages/0/retry/classes/0'] as const),
    withStage({
      retry: retry({ never_on: { codes: ['timeout'] }, classes: classes({ codes: ['timeout'] }) }),
    }),
    withStage({
      retry: retry({
        never_on: { codes: ['timeout'] },
        classes: classes({ codes: ['timeout', 'heartbeat'] }),
      }),
    }),
  ],
  [
    ...(['class-never-used', '/stages/0/retry/classes/1'] as const),
    withStage({
      retry: retry({
        classes: classes({ signals: ['SIGKILL'], exit_codes: [3] }, { exit_codes: [3] }),
      }),
    }),
    withStage({
      retry: retry({
        classes: classes({ exit_codes: [3] }, { signals: ['SIGKILL'], exit_codes: [3] }),
      }),
    }),
  ],
  [
    ...(['class-never-used', '/stages/0/retry/classes/0'] as const),
    withStage({ retry: retry({ classes: classes({ codes: ['interrupted'] }) }) }),
    withStage({ retry: retry({ classes: classes({ codes: ['out-of-memory'] }) }) }),
  ],
  [
    ...(['backoff-max-below-initial', '/stages/0/retry/backoff/max'] as const),
    withStage({ retry: retry({ backoff: { initial: '10s', max: '9s' } }) }),
    withStage({ retry: retry({ backoff: { initial: '10s', max: '10s' } }) }),
  ],
  [
    ...(['retries-without-wait', '/stages/0/retry/backoff'] as const),
    withStage({ retry: retry({ backoff: { initial: 0 } }) }),
    withStage({ retry: retry({ limit: 1, backoff: { initial: 0 } }) }),
  ],
  [
    ...(['retries-without-wait', '/stages/0/retry/classes/0/backoff'] as const),
    withStage({
      retry: retry({
        classes: [{ on: { codes: ['timeout'] }, limit: 2, backoff: { initial: 0 } }],
      }),
    }),
    withStage({
      retry: retry({
        classes: [{ on: { codes: ['timeout'] }, limit: 2, backoff: { initial: '1s' } }],
      }),
    }),
  ],
  [
    'grace-beyond-shutdown',
    '/stages/0/grace',
    withStage({ grace: '5s' }),
    withStage({ grace: '4s' }),
  ],
  [
    ...(['shared-files', '/stages/0/files/0/path'] as const),
    withStage({ files: [{ path: 'out/*.csv' }] }, { concurrency: { limit: 2 } }),
    withStage({ files: [{ path: 'out/${run.id}/*.csv' }] }, { concurrency: { limit: 2 } }),
  ],
  [
    ...(['memory-below-node', '/stages/0/limits/memory'] as const),
    withStage({ run: undefined, uses: './a.ts', limits: { memory: '31MB' } }),
    withStage({ limits: { memory: '31MB' } }),
  ],
];

test.each(cases)('%s speaks at %s, and not a step before', (code, pointer, spoken, silent) => {
  expect(codes(spoken)).toContain(`${code} ${pointer}`);
  expect(codes(silent).filter((one) => one.startsWith(code))).toEqual([]);
});

test('a run whose worst case is longer than the time between two slots is found, with both figures', () => {
  // Two attempts of 10 min, each with 10 s of grace, and one wait of 10 s and a tenth: 20 min 31 s.
  const raw = withStage({ retry: { limit: 1 } });
  expect(findings(raw, 1_231_000 - 1)).toMatchObject([
    {
      code: 'longer-than-interval',
      detail: expect.stringMatching(/take 20m 31s .* every 20m 30s$/),
    },
  ]);
  expect(codes(raw, 1_231_000)).toEqual([]);
  // The run's own timeout bounds it, but for the grace in which it ends.
  expect(codes({ ...raw, timeout: '15m' }, 910_000)).toEqual([]);
});

test('what is wrong with a schedule is said also while it is disabled, and overlap answers the one finding', () => {
  const parsed = parseDefinition(withStage({}));
  if (!parsed.ok) throw new Error('the sample does not hold');
  const said = (more: Partial<ScheduleFacts>) =>
    scheduleFindings(parsed.definition, { ...facts, ...more }).map(
      ({ code, detail }) => `${code}: ${detail}`,
    );
  const often = { intervalMs: 60_000 };
  expect(said({ ...often, enabled: false })).toEqual([
    'longer-than-interval: a run can take 10m 10s in the worst case, and the schedule, once enabled, starts one every 1m',
  ]);
  expect(said({ ...often, saysOverlap: true })).toEqual([]);
  expect(said({ isOver: true })).toEqual(['never-due: schedule sample is due at no time to come']);
  expect(said({ meets: { other: 'first', at: '2027-01-15T00:00:00+00:00' } })).toEqual([
    'schedules-collide: schedules first and sample are due in the same second, first at 2027-01-15T00:00:00+00:00',
  ]);
});

test('defaults alone are information, never a warning', () => {
  const raw = {
    name: 'a',
    stages: [
      { name: 'one', run: ['true'] },
      { name: 'two', uses: './a.ts' },
    ],
  };
  expect(findings(raw).map(({ code, severity }) => [code, severity])).toEqual([
    ['default-timeout', 'info'],
    ['default-timeout', 'info'],
  ]);
});

const tellsNobody: Pick<PipelineDefinition, 'notify'> = {
  notify: [{ on: ['failed'], to: ['ops', 'mial'], after: 1 }],
};
test('a channel that the service does not have is found by its place; nothing is said where no service is asked', () => {
  const said = (channels: string[] | null) =>
    notifyFindings(tellsNobody, { channels }).map(({ pointer, detail }) => [pointer, detail]);
  expect(said(['ops', 'mail'])).toEqual([
    ['/notify/0/to/1', 'nobody is told: unknown channel `mial`; did you mean `mail`?'],
  ]);
  expect(said([])).toHaveLength(2);
  expect(said(null)).toEqual([]);
});

test('every rule has a case, and each finding says what is wrong and what to do in words that fit', () => {
  const parsed = parseDefinition(withStage({}));
  if (!parsed.ok) throw new Error('the sample does not hold');
  const meets = { other: 'first', at: '2027-01-15T00:00:00+00:00' };
  const spoken = cases
    .flatMap(([, , raw]) => findings(raw))
    .concat(findings(withStage({}), 1))
    .concat(findings(asking({}), 3_600_000))
    .concat(scheduleFindings(parsed.definition, { ...facts, isOver: true, meets }))
    .concat(notifyFindings(tellsNobody, { channels: [] }));
  expect(new Set(spoken.map(({ code }) => code))).toEqual(new Set(Object.keys(lintRules)));
  for (const { code, severity, detail, advice } of spoken) {
    expect([code, severity]).toEqual([code, lintRules[code]]);
    expect(`${detail}; ${advice}`).not.toMatch(/undefined|NaN|null|\bInfinity/);
  }
});

test('an approval that waits for ever is a finding where a schedule goes on meanwhile', () => {
  const found = 'approval-without-deadline /stages/0/approval';
  expect(codes(asking({}), 3_600_000)).toContain(found);
  expect(codes(asking({ deadline: '4h' }), 3_600_000)).not.toContain(found);
  expect(codes(asking({}))).not.toContain(found);
});
