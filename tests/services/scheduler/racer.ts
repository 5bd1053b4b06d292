// One of two processes whose schedulers share a store: a line is the time for both, each ticks, and
// says when it is done.
import { createInterface } from 'node:readline';
import { systemClock } from '../../../services/host/clock.ts';
import { createRepeats } from '../../../services/host/repeats.ts';
import { createRunIds } from '../../../services/host/run-id.ts';
import { createCharts } from '../../../services/interpreter/charts.ts';
import { createInterpreter } from '../../../services/interpreter/interpreter.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import type { RunLookup } from '../../../services/lookup/run-lookup.ts';
import { createScheduleRegistry } from '../../../services/scheduler/schedule-registry.ts';
import { createScheduler } from '../../../services/scheduler/scheduler.ts';
import { noWaker } from '../../../services/scheduler/waker.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { createStarter } from '../../../services/start/start.ts';
import { pipeline, stage } from '../../support/definition.ts';
import { manualClock } from '../../support/manual-clock.ts';

const [path, name] = process.argv.slice(2) as [string, string];
const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
const clock = manualClock();
const charts = createCharts(store, runLifecycle);
const interpreter = createInterpreter({ store, charts, clock });
const sample = pipeline([stage('one')]);
const entry = {
  definition: sample,
  projectDir: '/',
  file: 'sample.yaml',
  text: { line: () => null, has: () => false },
  schedules: [{ id: 's', written: { every: 5000, missed: 'none' as const } }],
};
let starts = 0;
const lookup = {
  // Every start has a lock of its own: nothing but the slot stands between two runs.
  find: () => ({
    ...entry,
    definition: { ...sample, concurrency: { ...sample.concurrency, key: `${name}-${starts++}` } },
  }),
  whyStarting: () => null,
  show: () => ({}),
} as unknown as RunLookup;
const starter = createStarter({
  store,
  charts,
  interpreter,
  clock,
  lookup,
  dataDir: '/',
  nextRunId: createRunIds(systemClock.wallMs),
  isDraining: () => false,
  diskRefusal: async () => null,
  inputsNow: async () => [],
  wake: () => {},
  repeats: createRepeats({ clock: systemClock, log: () => {} }),
});
const registry = createScheduleRegistry({
  store,
  loaded: { pipelines: new Map([['sample', entry]]), problems: [] },
  now: clock.wallMs,
});
const scheduler = createScheduler({
  store,
  registry,
  clock,
  waker: noWaker,
  wake: () => {},
  start: starter.start,
  log: (message, meta) => process.stderr.write(`${message} ${JSON.stringify(meta)}\n`),
});
await scheduler.open();
process.stdout.write('ready\n');
for await (const instant of createInterface({ input: process.stdin })) {
  clock.advance(Number(instant) - clock.wallMs());
  await scheduler.tick();
  process.stdout.write(`${starts}\n`);
}
await store.close();
