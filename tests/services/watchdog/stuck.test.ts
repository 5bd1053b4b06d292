import type { ProcessTable } from '../../../stages/launcher-port.ts';
import {
  ended,
  eventually,
  type Running,
  runService,
  startRequest,
} from '../../support/service.ts';

let on: Running;
let world: { isStuck: boolean; aheadMs: number };
afterEach(async () => {
  // Its runner waits for it too; no test may leave it waiting.
  world.isStuck = false;
  await on.close();
});

const actor = { kind: 'user' as const, name: 'ada' };
const yaml =
  'name: p\nstages:\n  - { name: work, grace: 0, timeout: 1h, run: ["bash", "-c", "echo up > up; sleep 60"] }\n';

/**
 * No test can make a process that SIGKILL does not end; here the process table does not get rid of
 * the one it sees.
 */
const openStuck = async (pipelines: Record<string, string>) => {
  world = { isStuck: true, aheadMs: 0 };
  const table = (real: ProcessTable): ProcessTable => ({
    ...real,
    end: async (...args) => {
      const signal = args[3];
      await real.end(...args);
      while (world.isStuck) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        signal.throwIfAborted();
      }
    },
    members: (...args) => (world.isStuck ? [4711] : real.members(...args)),
  });
  on = await runService({
    pipelines,
    parts: ({ processes, clock }) => ({
      processes: table(processes),
      clock: { ...clock, monotonicMs: () => clock.monotonicMs() + world.aheadMs },
    }),
    service: { watchdogIntervalMs: 50 },
  });
  const { status } = await on.orchestrator.start(startRequest('p'));
  const id = status.run_id as string;
  await eventually(on.orchestrator, async () =>
    (await on.store.effects()).some(({ kind, state }) => kind === 'stage' && state !== 'born'),
  );
  return id;
};
/**
 * Time passes, second by second as we look, until the watchdog has waited as long as any process
 * may need.
 */
const wait = (id: string) =>
  eventually(on.orchestrator, async () => {
    world.aheadMs += 1000;
    const status = await on.orchestrator.run(id);
    return status.why.includes('4711') && status;
  });
const eventsOf = async (id: string) =>
  (await on.orchestrator.events({ runId: id, after: 0, limit: 1000 })).items;

test('T1: a run whose process outlives SIGKILL stays STOPPING with the pid in `why`, and only a reset with a reason releases it', async () => {
  const id = await openStuck({ 'p.yaml': yaml });
  await on.orchestrator.stop('p', { reason: null, graceMs: 0, actor });
  const stuck = await wait(id);
  expect([stuck.state, stuck.lock === null]).toEqual(['STOPPING', false]);
  await eventually(
    on.orchestrator,
    async () => on.orchestrator.health().checks.watchdog?.code === 'overdue-drain',
  );
  await expect(on.orchestrator.start(startRequest('p'))).rejects.toMatchObject({
    code: 'already-running',
  });
  await expect(
    on.orchestrator.reset('p', { force: false, reason: null, actor }),
  ).rejects.toMatchObject({ code: 'run-active' });
  await expect(
    on.orchestrator.reset('p', { force: true, reason: null, actor }),
  ).rejects.toMatchObject({
    code: 'invalid-body',
    errors: [{ pointer: '/reason' }],
  });

  await on.orchestrator.reset('p', { force: true, reason: 'the disk is dead', actor });
  await eventually(on.orchestrator, async () => (await on.store.effects()).length === 0);
  const end = await on.orchestrator.run(id);

  expect([end.state, end.lock, await on.store.effects()]).toEqual(['STOPPED', null, []]);
  expect((await on.orchestrator.status('p')).state).toBe('IDLE');
  const said = (await eventsOf(id)).filter(({ event }) => event === 'warning' || event === 'error');
  expect(said.map(({ stage, event, data }) => [stage, event, data.alarm ?? data.by])).toEqual([
    ['watchdog', 'error', 'overdue-drain'],
    ['pipeline', 'warning', 'ada'],
  ]);
  expect(said[1]?.msg).toContain('although process 4711 may still live: the disk is dead');
});

test('T1: an attempt that timed out and cannot be ended is not tried again; released, its run is FAILED with one end of the attempt', async () => {
  const id = await openStuck({
    'p.yaml': yaml.replace('timeout: 1h', 'timeout: 100ms, retry: { limit: 3 }'),
  });
  const stuck = await wait(id);
  expect([stuck.state, stuck.attempt]).toEqual(['RUNNING_WORK', 1]);
  await on.orchestrator.reset('p', { force: true, reason: 'kernel bug', actor });
  const end = await ended(on.orchestrator, id);
  expect([end.state, end.error?.code, end.lock]).toEqual(['FAILED', 'timeout', null]);
  const ends = (await eventsOf(id)).filter(
    ({ stage, event }) => stage === 'work' && event !== 'started',
  );
  expect(ends.map(({ event, attempt }) => [event, attempt])).toEqual([['failed', 1]]);
});

test('a run that can still be ended is stopped by a forced reset, not released', async () => {
  const id = await openStuck({ 'p.yaml': yaml });
  world.isStuck = false;
  await on.orchestrator.reset('p', { force: true, reason: 'wrong day', actor });
  const end = await ended(on.orchestrator, id);
  expect([end.state, end.why]).toEqual(['STOPPED', 'stopped: forced: wrong day']);
});
