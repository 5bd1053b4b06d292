import { createDrain } from '../../../services/runners/drain.ts';
import type { EffectRow, Loaded, RunRow } from '../../../services/store/run-rows.ts';
import { openWorkbench, sh, type Workbench } from '../../support/programs.ts';
import { until } from '../../support/until.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

test('m56: a drain answers when the processes are gone, and not before', async () => {
  // Behind the back of the launcher's leader: the end of that one proves nothing.
  const request = bench.launchRequest(
    sh(`setsid sh -c "trap '' TERM; echo up > up; while :; do sleep 0.05; done" & wait`),
  );
  const launched = await bench.launcher.launch(request);
  launched.open();
  await until(() => bench.has('up'));
  const row = { runId: 'r_1', id: 'attempt-one', stamp: 2, state: 'dropping', attempt: 1 };
  const effect = {
    ...row,
    kind: 'stage',
    token: request.token,
    input: { stage: 'one' },
    process: launched.identity,
    ending: null,
  } as EffectRow;
  const left: number[] = [];
  const drain = createDrain({
    store: {
      run: async () => ({ effects: [effect] }) as unknown as Loaded & { headSeq: number },
      amend: async () => {
        left.push(bench.processes.members(launched.identity, request.token).length);
        return [true];
      },
    },
    processes: bench.processes,
    ending: () => {},
    settled: async () => {},
    graceCapMs: () => Number.POSITIVE_INFINITY,
    clock: { after: () => () => {}, wallMs: () => 0 },
    closing: new AbortController().signal,
  });
  const context = { stop: null, policy: { one: { graceMs: 300 } } };
  const run = { runId: 'r_1', snapshot: { context } } as unknown as RunRow;
  await drain(run);
  // Asked at the instant at which the row was forgotten.
  expect(left).toEqual([0]);
});

test('the drain of a stage ends what its stage has dropped, and the drain of the run all there is', async () => {
  const dropped = (stage: string) =>
    ({
      runId: 'r_1',
      id: `attempt-${stage}`,
      stamp: 2,
      state: 'dropping',
      kind: 'stage',
      token: `r_1.2.attempt-${stage}`,
      input: { stage },
      process: null,
      ending: null,
    }) as EffectRow;
  let effects = [dropped('one'), dropped('two'), dropped('three')];
  const context = { stop: null, policy: {} };
  const run = { runId: 'r_1', snapshot: { context } } as unknown as RunRow;
  const ended: string[] = [];
  const drain = createDrain({
    store: {
      run: async () => ({ effects }) as unknown as Loaded & { headSeq: number },
      amend: async (changes) =>
        changes.map(({ change }) => {
          const amendment = change({ run, effects, timers: [] });
          for (const { id } of amendment?.remove ?? []) {
            ended.push(id);
            effects = effects.filter((one) => one.id !== id);
          }
          return amendment !== null;
        }),
    },
    processes: bench.processes,
    ending: () => {},
    settled: async () => {},
    graceCapMs: () => Number.POSITIVE_INFINITY,
    clock: { after: () => () => {}, wallMs: () => 0 },
    closing: new AbortController().signal,
  });
  await drain(run, 'two');
  expect(ended).toEqual(['attempt-two']);
  await drain(run);
  expect(ended.toSorted()).toEqual(['attempt-one', 'attempt-three', 'attempt-two']);
});
