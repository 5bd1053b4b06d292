import { compile } from '../../../machines/compile.ts';
import type { Lifecycle } from '../../../services/interpreter/lifecycle.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { simulated } from '../../support/simulated.ts';

const definition = pipeline([
  stage('one', { ...retries(1), timeoutMs: 60_000 }),
  stage('two', { timeoutMs: 60_000 }),
]);
/** A machine in which one guard always says yes. */
const guarded = (guard: string): Lifecycle => ({
  ...runLifecycle,
  machineOf: (config) =>
    runLifecycle.machineOf(config).provide({ guards: { [guard]: () => true } }),
});
/** A chart in which one edge leads elsewhere. */
const rewired = (from: string, to: string): Lifecycle => ({
  ...runLifecycle,
  compile: (of) => JSON.parse(JSON.stringify(compile(of)).replaceAll(from, to)),
});

test.each([
  [
    'a retry too many',
    guarded('canRetry'),
    'I9',
    /^stagewright simulate sample --fail (one:2|two)$/,
  ],
  [
    'an attempt that is left while its program works (T1)',
    rewired(
      '{"target":"ending","actions":[{"type":"noteTimeout","params":{"stage":"one"}}]}',
      '{"target":"backingOff","actions":[{"type":"noteTimeout","params":{"stage":"one"}}]}',
    ),
    'I13',
    /^stagewright simulate sample --hang one$/,
  ],
  [
    'a stop that does not wait for its processes',
    rewired('"#run.stopping"', '"#run.stopped"'),
    'I8',
    /^stagewright simulate sample --stop-at (one|two)$/,
  ],
])(
  '%s is found among random runs, and told by the shortest script that shows it',
  async (_, lifecycle, invariant, replay) => {
    const { survey } = simulated(definition, lifecycle);
    const { survey: found } = await survey(1, 400);
    expect(found?.broken?.broken?.invariant).toBe(invariant);
    expect(found?.broken?.replay).toMatch(replay);
    // As it is printed it can be told again.
    const again = await simulated(definition, lifecycle).tell(...(found?.broken?.script ?? []));
    expect(again.broken?.invariant).toBe(invariant);
    const sound = await simulated(definition).tell(...(found?.broken?.script ?? []));
    expect(sound.broken).toBeNull();
  },
);
