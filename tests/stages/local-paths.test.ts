import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLocalPaths } from '../../stages/local-paths.ts';
import { ended, projectWith, runService, startRequest } from '../support/service.ts';

const places = { projectDir: '/srv/p.q', workspace: '/srv/p.q/data/runs/r/workspace' };

test.each([
  ['/srv/p.q/a/b.ts cannot be loaded', 'a/b.ts cannot be loaded'],
  ["from file:///srv/p.q/a.ts, '/srv/p.q'", "from a.ts, '.'"],
  ['/srv/p.q/data/runs/r/workspace/out is', '$STAGEWRIGHT_WORKSPACE/out is'],
  ['in /srv/p.q/data/runs/r/workspace.', 'in $STAGEWRIGHT_WORKSPACE.'],
  ['/srv/p.qq/a and /x/srv/p.q/a and /srv/pxq/a', '/srv/p.qq/a and /x/srv/p.q/a and /srv/pxq/a'],
])('%s is told as %s', (text, told) => expect(withLocalPaths(text, places)).toBe(told));

const stage = (name: string, rest: string) =>
  [`${name}.yaml`, `name: ${name}\nstages:\n  - { name: a, ${rest} }\n`] as const;

test('TRUTH-10: no failure of any kind says where the project lies', async () => {
  const dir = await projectWith(
    Object.fromEntries([
      stage('module', 'uses: ./stages/shape.ts'),
      stage('throws', 'uses: ./stages/throws.ts'),
      stage('gone', 'uses: ./stages/gone.ts'),
      stage('cwd', 'run: ["true"], cwd: no/such'),
      stage('says', 'run: [sh, says.sh]'),
      stage('files', 'run: ["true"], files: [{ path: "${run.workspace}/none/*" }]'),
    ]),
  );
  await mkdir(join(dir, 'stages'));
  await writeFile(
    join(dir, 'stages/shape.ts'),
    "import 'no-such-package';\nexport const run = 1;\n",
  );
  await writeFile(
    join(dir, 'stages/throws.ts'),
    'export const run = async ({ projectDir }) => { throw new Error(`at ${projectDir}/x`); };\n',
  );
  await writeFile(join(dir, 'stages/gone.ts'), 'export const run = async () => {};\n');
  await writeFile(
    join(dir, 'says.sh'),
    `printf '::stagewright {"fail":{"code":"x","message":"in %s and %s/f"}}' "$PWD" "$STAGEWRIGHT_WORKSPACE"; exit 1`,
  );
  const on = await runService({ dir });
  await rm(join(dir, 'stages/gone.ts'));
  for (const name of ['module', 'throws', 'gone', 'cwd', 'says', 'files']) {
    const { status } = await on.orchestrator.start(startRequest(name));
    const run = await ended(on.orchestrator, status.run_id as string);
    expect([name, run.state]).toEqual([name, 'FAILED']);
    expect([name, run.error?.message]).toEqual([name, expect.not.stringContaining(dir)]);
    expect(run.why).not.toContain(dir);
  }
  await on.close();
});
