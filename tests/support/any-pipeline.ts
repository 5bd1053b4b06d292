import fc from 'fast-check';
import type { PipelineDefinition, StageDefinition } from '../../definition/definition.ts';
import { stagesBefore } from '../../definition/groups.ts';
import { pipeline, retries, stage } from './definition.ts';

const anyStage = fc.record({
  retries: fc.integer({ min: 0, max: 2 }),
  hasFiles: fc.boolean(),
  hasTotal: fc.boolean(),
  warns: fc.boolean(),
  fails: fc.boolean(),
  uses: fc.boolean(),
  advises: fc.boolean(),
  decides: fc.boolean(),
});
const anyStep = fc.record({
  stages: fc.array(anyStage, { minLength: 1, maxLength: 4 }),
  failFast: fc.boolean(),
});

/** A pipeline of steps, some of them with several stages beside each other, and maybe with hooks. */
export const anyShape: fc.Arbitrary<PipelineDefinition> = fc
  .record({
    steps: fc.array(anyStep, { minLength: 1, maxLength: 3 }),
    hasLimit: fc.boolean(),
    hooks: fc.record({ ofFailure: fc.boolean(), last: fc.boolean(), decides: fc.boolean() }),
  })
  .map(({ steps, hasLimit, hooks }) => {
    const stages: StageDefinition[] = [];
    const groups: NonNullable<PipelineDefinition['groups']> = [];
    for (const [at, step] of steps.entries()) {
      const names = step.stages.map((_, index) => `s${at}-${index}`);
      if (names.length > 1)
        groups.push({ name: `g${at}`, title: null, stages: names, failFast: step.failFast });
      for (const [index, one] of step.stages.entries())
        stages.push(
          stage(names[index] as string, {
            ...retries(one.retries),
            files: one.hasFiles ? [{ path: '*', min: 1 }] : [],
            totalTimeoutMs: one.hasTotal ? 90_000 : null,
            warnAfterMs: one.warns ? 5000 : null,
            allowFailure: one.advises,
            when: one.decides ? { equals: [1, 1] } : null,
            onRestart: one.fails ? 'fail' : 'retry',
          }),
        );
      const uses = (of: PipelineDefinition, name: string): object => {
        const [first] = stagesBefore(of, name);
        return first ? { with: { n: `\${stages.${first.name}.outputs.n}` } } : {};
      };
      for (const [index, one] of step.stages.entries()) {
        const place = stages.findIndex(({ name }) => name === names[index]);
        const of = pipeline(stages, { groups });
        if (one.uses)
          stages[place] = {
            ...(stages[place] as StageDefinition),
            ...uses(of, names[index] as string),
          };
      }
    }
    const hook = (name: string): StageDefinition[] => [
      stage(name, { ...retries(1), when: hooks.decides ? { equals: [1, 1] } : null }),
    ];
    return pipeline(stages, {
      groups,
      timeoutMs: hasLimit ? 60_000 : null,
      ...(hooks.ofFailure && { onFailure: hook('tell') }),
      ...(hooks.last && { finally: hook('clean') }),
    });
  });
