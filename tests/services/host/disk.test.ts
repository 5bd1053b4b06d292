import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ended,
  eventually,
  type Running,
  runService,
  startRequest,
} from '../../support/service.ts';
import { openSmallDisk, type SmallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

const yaml =
  'name: p\nstages:\n  - { name: work, run: ["bash", "-c", "until [ -e go ]; do sleep 0.02; done"] }\n';
let disk: SmallDisk;
let on: Running;
beforeEach(async () => {
  disk = await openSmallDisk({ 'p.yaml': yaml });
  on = await runService({
    dir: disk.dir,
    parts: disk.parts,
    service: { ...disk.service, watchdogIntervalMs: 100 },
  });
});
afterEach(async () => {
  await on.close();
  await disk.remove();
});

const ballast = () => join(on.dataDir, 'ballast');
const laid = () => statSync(ballast(), { throwIfNoEntry: false })?.size ?? 0;
const health = () => on.orchestrator.health();
const said = async () =>
  (await on.orchestrator.events({ stage: 'system', after: 0, limit: 100 })).items
    .filter(({ data }) => data.check === 'disk')
    .map(({ event, data }) => [event, data.code]);

test('T4: on a full disk the ballast is given away, what happens is recorded, starts are refused 503, and room brings all of it back', async () => {
  await until(() => laid() === 8 * 1024 ** 2);
  // Real blocks: a sparse file would promise what it does not have.
  expect(statSync(ballast()).blocks * 512).toBeGreaterThanOrEqual(8 * 1024 ** 2);
  const { status } = await on.orchestrator.start(startRequest('p'));
  const id = status.run_id as string;
  await eventually(on.orchestrator, async () =>
    (await on.store.effects()).some(({ state }) => state === 'started'),
  );
  await writeFile(join(disk.dir, 'go'), '');
  disk.fill();

  const end = await ended(on.orchestrator, id);

  expect([end.state, end.stages[0]?.attempt, end.lock]).toEqual(['DONE', 1, null]);
  await until(() => laid() < 8 * 1024 ** 2);
  await expect(on.orchestrator.start(startRequest('p'))).rejects.toMatchObject({
    code: 'disk-full',
    status: 503,
  });
  expect(health()).toMatchObject({
    status: 'degraded',
    ready: false,
    checks: { disk: { status: 'degraded', code: 'disk-full' } },
  });
  await until(async () => (await said()).length > 0);

  await disk.clear();
  await until(() => laid() === 8 * 1024 ** 2);
  await until(() => health().ready);
  const again = await on.orchestrator.start(startRequest('p'));
  expect((await ended(on.orchestrator, again.status.run_id as string)).state).toBe('DONE');
  await until(async () => (await said()).length > 1);
  // Degraded once, over once, however often it was looked at.
  expect(await said()).toEqual([
    ['warning', 'disk-full'],
    ['recovered', 'disk-full'],
  ]);
});
