import { pipeline, stage } from '../support/definition.ts';
import { admitted, applied, decided, modelOf } from '../support/model.ts';

test.each([
  'after',
  'on',
  'states',
  'guard',
  'entry',
  'actions',
  'src',
  'context',
  'meta',
  'always',
  'type',
  'constructor',
  'done',
  'failed',
])('a stage may be called `%s`, a word of the chart itself', (name) => {
  const model = modelOf(pipeline([stage('first'), stage(name)]));
  let loaded = applied(model.fresh, decided(model, model.fresh, admitted, 1));
  for (const output of [{}, { outputs: {} }, { outputs: { by: name } }]) {
    const [effect] = loaded.effects;
    if (!effect) throw new Error('nothing to do');
    const event = { type: `xstate.done.actor.${effect.id}` as const, output, actorId: effect.id };
    const fence = { kind: 'effect' as const, id: effect.id, stamp: effect.stamp };
    loaded = applied(
      loaded,
      decided(model, loaded, { event, fence, cause: { kind: 'effect' } }, 2),
    );
  }
  expect(loaded.run.projection).toMatchObject({
    state: 'DONE',
    stages: [{ name: 'first' }, { name, state: 'succeeded', outputs: { by: name } }],
  });
});
