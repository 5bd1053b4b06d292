import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRow } from '../../../services/store/run-rows.ts';
import type { Status } from '../../../wire/status.ts';
import { processesOf } from '../../support/processes.ts';
import { eventually, type Running, runService, startRequest } from '../../support/service.ts';

const actor = { kind: 'user' as const, name: 'ada' };
/** It writes down each SIGTERM, and goes on. */
const stubborn = "trap 'echo term >> terms' TERM; echo up > up; while true; do sleep 0.05; done";

let on: Running;
afterEach(async () => {
  // A test that fails must not leave a run that takes its whole grace to end.
  await stop(0).catch(() => {});
  await on.close();
});
const stop = (graceMs: number | null = null) =>
  on.orchestrator.stop('p', { reason: null, graceMs, actor });
const begin = async (limits: string): Promise<string> => {
  const stage = `{ name: work, ${limits}, run: ["bash", "-c", ${JSON.stringify(stubborn)}] }`;
  on = await runService({ pipelines: { 'p.yaml': `name: p\nstages:\n  - ${stage}\n` } });
  const { status } = await on.orchestrator.start(startRequest('p'));
  await eventually(on.orchestrator, async () => (await lines('up')).length > 0);
  return status.run_id as string;
};
const lines = async (name: string): Promise<string[]> =>
  (await readFile(join(on.dir, name), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const endingNow = async () =>
  (await on.store.effects()).find(({ kind }) => kind === 'stage')?.ending ?? null;
/** The deadline, once SIGTERM was sent and its handler has run. */
const asked = async () => {
  await eventually(on.orchestrator, async () => (await lines('terms')).length > 0);
  return eventually(on.orchestrator, endingNow);
};
const isFinal = ({ state }: Status) => ['DONE', 'FAILED', 'STOPPED'].includes(state);
const steps = async (runId: string) =>
  (await on.store.ledger(runId, { after: 0, limit: 1000 })).map(({ event }) => event.type);

test('REL-1, TRUTH-2: who keeps pressing Stop is stopped, by the first deadline, with one SIGTERM', async () => {
  const id = await begin('grace: 2s');
  await stop();
  const first = await asked();
  let presses = 0;
  const seen = new Set<number | undefined>();
  const hang = performance.now() + 40_000;
  while (!isFinal(await on.orchestrator.run(id))) {
    await stop().catch((error) => expect(error).toMatchObject({ code: 'nothing-to-stop' }));
    presses += 1;
    const row = await endingNow();
    if (row) seen.add(row.killAt);
    if (performance.now() > hang) throw new Error(`not stopped after ${presses} presses`);
    // Whatever else is to happen has its turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await on.orchestrator.run(id)).state).toBe('STOPPED');
  expect(presses).toBeGreaterThan(5);
  expect([...seen]).toEqual([first.killAt]);
  expect(first.killAt - first.termedAt).toBe(2000);
  expect(await lines('terms')).toEqual(['term']);
  expect(processesOf(id)).toEqual([]);
});

test('a further stop with grace_ms 0 ends what has an hour left; a longer grace changes nothing', async () => {
  const id = await begin('grace: 1h');
  await stop();
  const first = await asked();
  await stop(3_600_000);
  expect(await endingNow()).toEqual(first);
  await stop(0);
  const status = await eventually(on.orchestrator, async () => {
    const now = await on.orchestrator.run(id);
    return isFinal(now) && now;
  });
  expect(status.state).toBe('STOPPED');
  expect(await lines('terms')).toEqual(['term']);
});

test('REL-12: the timeout of the attempt, of the stage, and stops in one ending share one deadline', async () => {
  const id = await begin('timeout: 1s, total_timeout: 2s, grace: 1h');
  const first = await asked();
  const told = (type: string) =>
    eventually(on.orchestrator, async () => (await steps(id)).includes(type));
  await told('STAGE_TIMEOUT');
  expect(await endingNow()).toEqual(first);
  // The run is failing now; a stop is refused, and refusing it changes nothing either.
  await expect(stop()).rejects.toMatchObject({ code: 'command-not-allowed' });
  expect([await endingNow(), await lines('terms')]).toEqual([first, ['term']]);
  expect((await steps(id)).filter((type) => type.includes('attemptTimeout'))).toHaveLength(1);
});

test('a stop in the middle of the grace of a timed-out attempt goes on with its deadline', async () => {
  const id = await begin('timeout: 1s, grace: 1h');
  const first = await asked();
  await stop();
  expect((await on.orchestrator.run(id)).state).toBe('STOPPING');
  await stop(3_600_000);
  expect([await endingNow(), await lines('terms')]).toEqual([first, ['term']]);
  await stop(1);
  await eventually(on.orchestrator, async () => isFinal(await on.orchestrator.run(id)));
  expect(await lines('terms')).toEqual(['term']);
});

test('a service that stops gives an ending that goes on no more time than one that begins', async () => {
  const id = await begin('grace: 1h');
  await stop();
  await asked();
  await on.close();
  expect(processesOf(id)).toEqual([]);
});

test('m22: reset with force does not release a run whose processes can still be ended', async () => {
  const id = await begin('grace: 1h');
  await stop();
  await asked();
  const forced = { force: true, reason: 'enough', actor };
  expect(await on.orchestrator.reset('p', forced)).toMatchObject({ state: 'STOPPING' });
  const { run } = (await on.store.run(id)) as { run: RunRow };
  expect([run.lock !== null, processesOf(id).length > 0]).toEqual([true, true]);
  expect(await steps(id)).not.toContain('RELEASE');
});
