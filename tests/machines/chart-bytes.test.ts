import { createHash } from 'node:crypto';
import { parseDefinition } from '../../definition/parse-definition.ts';
import { compile, compilerVersion } from '../../machines/compile.ts';

/** Every field of a stage, once as its default and once written down. */
const file = {
  name: 'sample',
  timeout: '8h',
  warn_after: '6h',
  params: { day: { type: 'string', default: 'x' } },
  concurrency: { on_conflict: 'queue', queue: { max: 2, timeout: '1h' } },
  stages: [
    { name: 'plain', run: ['true'] },
    {
      name: 'full',
      title: 'All of it',
      run: ['work', '${params.day}', '${stages.plain.outputs.rows}'],
      with: { a: 1 },
      cwd: 'jobs',
      env: { A: 'b' },
      timeout: '10m',
      total_timeout: '1h',
      warn_after: '5m',
      heartbeat: '2m',
      grace: '3s',
      retry: {
        limit: 3,
        backoff: { initial: '1s', factor: 3, max: '1m', jitter: 0.2 },
        never_on: { exit_codes: [2], codes: ['bad-input'], signals: ['SIGILL'] },
        classes: [{ on: { codes: ['timeout'] }, limit: 1, backoff: { initial: '5m' } }],
      },
      files: [{ path: 'out/*.csv', min: 2 }],
      limits: { memory: '512MB', output: '1MB' },
      on_restart: 'fail',
    },
    { name: 'module', uses: './stages/shape.ts', with: { rows: '${stages.full.outputs.rows}' } },
  ],
};

/** What each compiler makes of it. A new line comes with a new version, an old one never changes. */
const charts: Record<number, string> = {
  2: '657bbffd07638235fd8aa92bea509bb88b63b9a4cc23d9831c5b13c8672446a6',
  3: 'd7f90dc60fe940117e1dd24c20e8bd2393b36ccded0a3dd0c3ac4c0ffb4420f3',
  // What version 4 added stands in charts of definitions that use it, and in no others.
  4: 'd7f90dc60fe940117e1dd24c20e8bd2393b36ccded0a3dd0c3ac4c0ffb4420f3',
};

test('T8: the chart of a definition changes only together with the version of the compiler', () => {
  const parsed = parseDefinition(file);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const hash = createHash('sha256').update(JSON.stringify(compile(parsed.definition)));
  expect(hash.digest('hex')).toBe(charts[compilerVersion]);
});

/** Stages beside each other, since version 4. */
const ofGroups: Record<number, string> = {
  4: 'adac9f1d7631e374f1575bfa012a584b32faf2e889f33bf62c77cd8da52365b7',
};

test('T8: and that of a definition with groups', () => {
  const [plain, full, module] = file.stages;
  const stages = [plain, { parallel: [full, { ...full, name: 'other' }] }, module];
  const fast = { name: 'fast', fail_fast: true, parallel: [plain, { ...plain, name: 'other' }] };
  const hashes = [
    { ...file, stages },
    { ...file, stages: [fast] },
  ].map((raw) => {
    const parsed = parseDefinition(raw);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return JSON.stringify(compile(parsed.definition));
  });
  const hash = createHash('sha256').update(hashes.join());
  expect(hash.digest('hex')).toBe(ofGroups[compilerVersion]);
});
