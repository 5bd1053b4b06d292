import { allStages, type PipelineDefinition } from '../../definition/definition.ts';
import { pipeline, retries, stage } from './definition.ts';
import { finals, invariants, judgedFailure } from './invariants.ts';
import { modelOf } from './model.ts';
import { type Edge, explore } from './world.ts';

/** One of each kind of pipeline. */
export const charts: Record<string, PipelineDefinition> = {
  'one stage': pipeline([stage('one')]),
  'one stage with a retry and files': pipeline([
    stage('one', { ...retries(1), files: [{ path: '*.txt', min: 1 }] }),
  ]),
  'two stages, the second says on_restart: fail': pipeline([
    stage('one', retries(1)),
    stage('two', { onRestart: 'fail' }),
  ]),
  'two stages, the first used by the second, with a total timeout and a warning': pipeline([
    stage('one', { ...retries(1), totalTimeoutMs: 90_000, warnAfterMs: 5000 }),
    stage('two', { with: { n: '${stages.one.outputs.n}' } }),
  ]),
  'two stages, the first with a when and allowed to fail within a total timeout': pipeline([
    stage('one', { allowFailure: true, totalTimeoutMs: 90_000, when: { equals: [1, 1] } }),
    stage('two'),
  ]),
  'an approval with a deadline before a stage, with a run timeout': pipeline(
    [
      stage('ask', {
        program: { kind: 'approval', message: 'go?', deadlineMs: 5000, otherwise: 'reject' },
      }),
      stage('two'),
    ],
    { timeoutMs: 60_000 },
  ),
  'one stage with a hook of its failure and one of every end': pipeline([stage('one')], {
    onFailure: [stage('tell')],
    finally: [stage('clean')],
  }),
  'three stages with a run timeout': pipeline(
    [stage('translator', retries(1)), stage('analyzer'), stage('merger', retries(1))],
    {
      timeoutMs: 60_000,
    },
  ),
  'two stages beside each other': pipeline([stage('one'), stage('two')], {
    groups: [{ name: 'both', title: null, stages: ['one', 'two'], failFast: false }],
  }),
};

/**
 * The tests of every reachable transition of a pipeline, up to so many interruptions of one stage;
 * two in a row show the backoff of a crash loop.
 */
export const testTransitions = (definition: PipelineDefinition, maxInterruptions: number): void => {
  const model = modelOf(definition);
  const edges: Edge[] = [];
  // A process that nobody can end leads to the same in every stage.
  const all = allStages(definition);
  const withStuck = all.length === 1 && all[0]?.files.length === 0;
  const count = explore(model, { maxInterruptions, withStuck }, (edge) => edges.push(edge));

  test.each(Object.entries(invariants))('%s', (_title, check) => {
    expect(count).toBeGreaterThan(20);
    for (const edge of edges) check(edge);
  });

  test('I6, I13: dropped attempts do say something', () => {
    const isDropped = ({ from, delivery: { fence } }: Edge): boolean =>
      from.effects.some(
        ({ id, stamp, state }) => state === 'dropping' && id === fence?.id && stamp === fence.stamp,
      );
    expect(edges.some(isDropped)).toBe(true);
  });

  test('I9: failures are met that are tried again, and some that are not', () => {
    const isRetried = ({ decision }: Edge): boolean =>
      decision.events.some(({ event }) => event === 'retrying');
    const failures = edges.filter((edge) => judgedFailure(edge) !== null);
    expect(failures.some((edge) => !isRetried(edge))).toBe(true);
    if (definition.stages.some(({ retry }) => retry.limit > 0))
      expect(failures.some(isRetried)).toBe(true);
  });

  test('no live state is a dead end: DONE, FAILED and STOPPED are each reached', () => {
    expect(
      new Set(
        edges.map(({ to }) => to.run.projection.state).filter((state) => finals.includes(state)),
      ),
    ).toEqual(new Set(finals));
  });
};
