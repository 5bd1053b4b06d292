import { limitsOf, programOf, type StageDetail } from '../../dashboard/pipelines/policy.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';
import { definitionView } from '../../services/pipelines/definition-view.ts';

const shown = (stage: object): StageDetail => {
  const parsed = parseDefinition({ name: 'p', stages: [{ name: 'a', ...stage }] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return definitionView(parsed.definition).stages[0] as StageDetail;
};
const names = (stage: object) => limitsOf(shown(stage)).map(([name]) => name);

test.each([
  [{ run: ['echo', 'two words'] }, "echo 'two words'", null],
  [{ run: ['sh', '-c', 'exit 0\n'] }, 'sh -c', 'exit 0'],
  [{ uses: 'builtin:merger' }, 'builtin:merger', null],
  [{ http: { url: 'http://127.0.0.1/${run.id}' } }, 'GET http://127.0.0.1/${run.id}', null],
])('a stage of any kind says what it runs: %j', (stage, program, script) =>
  expect(programOf(shown(stage))).toEqual({ program, script }),
);

test('a request is not said to have a grace or a limit of output, and a program no largest answer', () => {
  expect(names({ http: { url: 'http://127.0.0.1' } })).not.toContain('To end by itself on stop');
  expect(names({ http: { url: 'http://127.0.0.1' } })).toEqual(
    expect.arrayContaining(['An attempt may take', 'Answers with', 'Largest answer']),
  );
  expect(names({ run: ['true'] })).toEqual(
    expect.arrayContaining(['To end by itself on stop', 'Output']),
  );
  expect(names({ run: ['true'] })).not.toContain('Largest answer');
});
