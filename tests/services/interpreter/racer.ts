// One of several processes that start the same runs: a line is told to all, each starts as often as
// it was told at the same time, and says what its starts came to.
import { createInterface } from 'node:readline';
import { systemClock } from '../../../services/host/clock.ts';
import { createRunIds } from '../../../services/host/run-id.ts';
import { createCharts } from '../../../services/interpreter/charts.ts';
import { createInterpreter } from '../../../services/interpreter/interpreter.ts';
import { projectSnapshot } from '../../../services/lifecycle/outlook.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { pipeline, stage } from '../../support/definition.ts';

const [path, starts] = process.argv.slice(2) as [string, string];
const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
const charts = createCharts(store, runLifecycle);
const interpreter = createInterpreter({ store, charts, clock: systemClock });
const definition = pipeline([stage('one')]);
const { hash, config, compilerVersion, machine, initial } = charts.pin(definition);
const nextId = createRunIds(systemClock.wallMs);
const projection = projectSnapshot(machine, initial);
process.stdout.write('ready\n');
const start = async (round: string): Promise<[kind: string, owner: string]> => {
  const runId = nextId();
  const begun = await interpreter.begin(
    {
      spec: {
        runId,
        pipeline: 'sample',
        chart: hash,
        definition,
        projectDir: '/',
        params: {},
        trigger: 'api',
        onlyStage: null,
        reason: null,
        inputs: {},
        metadata: {},
      },
      config,
      compilerVersion,
      snapshot: initial,
      projection,
      at: systemClock.wallMs(),
      idempotency: null,
      lock: { key: `key-${round}`, limit: 1, onConflict: 'refuse', queueMax: 1 },
      refusal: () => ({
        stage: 'pipeline',
        event: 'refused',
        severity: 'warning',
        msg: 'held',
        data: {},
      }),
    },
    { cause: { kind: 'command' } },
  );
  return begun.kind === 'refused' ? ['refused', begun.owner.runId] : [begun.kind, runId];
};
for await (const round of createInterface({ input: process.stdin })) {
  const results = await Promise.all(Array.from({ length: Number(starts) }, () => start(round)));
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
await store.close();
