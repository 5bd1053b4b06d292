import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ended, eventually, projectWith, runService, startRequest } from '../support/service.ts';

const yaml = `name: job
stages:
  - { name: wait, run: ["sh", "-c", "until [ -e go ]; do sleep 0.02; done"], grace: 0ms, retry: { limit: 1, backoff: { initial: 1ms } } }
  - { name: shape, uses: ./shape.ts, retry: { limit: 1, backoff: { initial: 1ms } } }
  - { name: last, run: ["test", "\${stages.shape.outputs.rows}", "=", "7"] }
`;
const module = 'export const run = async () => ({ outputs: { rows: 7 } });\n';

type Stored = { stages: Record<string, unknown>[] };
/** As a service stored it before programs said their kind, and before these fields came. */
const aged = (text: string): string => {
  const { stages, ...rest } = JSON.parse(text) as Stored;
  const old = stages.map(({ totalTimeoutMs, warnAfterMs, limits, program, ...stage }) => {
    const { kind, ...what } = program as Record<string, unknown>;
    return { ...stage, program: what };
  });
  return JSON.stringify({ ...rest, stages: old });
};

test('I12: a run whose definition an older service stored, without kinds, goes on through a program and a module to its end', async () => {
  const dir = await projectWith({ 'job.yaml': yaml });
  await writeFile(join(dir, 'shape.ts'), module);
  const first = await runService({ dir });
  const { status } = await first.orchestrator.start(startRequest('job'));
  const runId = status.run_id as string;
  await eventually(first.orchestrator, async () => {
    const [row] = await first.store.effects();
    return row?.kind === 'stage' && row.state === 'started';
  });
  await first.close();

  const db = new DatabaseSync(join(dir, 'data/stagewright.sqlite'));
  const [row] = db.prepare('SELECT definition FROM definitions').all();
  const old = aged(row?.['definition'] as string);
  expect(old).not.toContain('"kind"');
  db.prepare('UPDATE definitions SET definition = ?').run(old);
  db.close();

  await writeFile(join(dir, 'go'), '');
  const second = await runService({ dir });
  try {
    expect(await ended(second.orchestrator, runId)).toMatchObject({
      state: 'DONE',
      stages: [{ attempt: 2 }, { outputs: { rows: 7 } }, { state: 'succeeded' }],
    });
  } finally {
    await second.close();
    await rm(dir, { recursive: true, force: true });
  }
});
