// One of two processes that start the same thousand runs; prints what each start came to.
import { once } from 'node:events';
import { systemClock } from '../../services/clock.ts';
import { createCharts } from '../../services/interpreter/charts.ts';
import { projectSnapshot } from '../../services/interpreter/decide.ts';
import { createInterpreter } from '../../services/interpreter/interpreter.ts';
import { createRunIds } from '../../services/run-id.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import { pipeline, stage } from '../support/definition.ts';

const [path, rounds] = process.argv.slice(2) as [string, string];
const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
const charts = createCharts(store);
const interpreter = createInterpreter({ store, charts, clock: systemClock });
const definition = pipeline([stage('one')]);
const { hash, config, compilerVersion, machine, initial } = charts.pin(definition);
const nextId = createRunIds(systemClock.wallMs);
const projection = projectSnapshot(machine, initial);
// Both are up before either begins.
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();
const results: [string, string][] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const runId = nextId();
  const begun = await interpreter.begin(
    {
      spec: {
        ...{ runId, pipeline: 'sample', chart: hash, definition, projectDir: '/', params: {}, trigger: 'api', onlyStage: null },
        ...{ reason: null, inputs: {}, metadata: {} },
      },
      ...{ config, compilerVersion, snapshot: initial, projection, at: systemClock.wallMs(), idempotency: null },
      lock: { key: `key-${round}`, limit: 1 },
      refusal: (owner) => ({ stage: 'pipeline', event: 'refused', severity: 'warning', msg: owner.runId, data: {} }),
    },
    { event: { type: 'ADMITTED', run_id: runId }, fence: null, cause: { kind: 'command' } },
  );
  results.push(begun.kind === 'refused' ? ['refused', begun.owner.runId] : [begun.kind, runId]);
}
await store.close();
process.stdout.write(JSON.stringify(results));
