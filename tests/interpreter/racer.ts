// One of two processes that start the same runs: a line is told to both, each starts, and says what its start came to.
import { createInterface } from 'node:readline';
import { systemClock } from '../../services/clock.ts';
import { createCharts } from '../../services/interpreter/charts.ts';
import { createInterpreter } from '../../services/interpreter/interpreter.ts';
import { projectSnapshot } from '../../services/interpreter/outlook.ts';
import { createRunIds } from '../../services/run-id.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import { pipeline, stage } from '../support/definition.ts';

const [path] = process.argv.slice(2) as [string];
const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
const charts = createCharts(store);
const interpreter = createInterpreter({ store, charts, clock: systemClock });
const definition = pipeline([stage('one')]);
const { hash, config, compilerVersion, machine, initial } = charts.pin(definition);
const nextId = createRunIds(systemClock.wallMs);
const projection = projectSnapshot(machine, initial);
process.stdout.write('ready\n');
for await (const round of createInterface({ input: process.stdin })) {
  const runId = nextId();
  const begun = await interpreter.begin(
    {
      spec: {
        ...{ runId, pipeline: 'sample', chart: hash, definition, projectDir: '/', params: {}, trigger: 'api', onlyStage: null },
        ...{ reason: null, inputs: {}, metadata: {} },
      },
      ...{ config, compilerVersion, snapshot: initial, projection, at: systemClock.wallMs(), idempotency: null },
      lock: { key: `key-${round}`, limit: 1, onConflict: 'refuse', queueMax: 1 },
      refusal: ({ owner }) => ({ stage: 'pipeline', event: 'refused', severity: 'warning', msg: owner.runId, data: {} }),
    },
    { cause: { kind: 'command' } },
  );
  const result = begun.kind === 'refused' ? ['refused', begun.owner.runId] : [begun.kind, runId];
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await store.close();
