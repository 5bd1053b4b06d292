import { compile } from '../../machines/compile.ts';
import { edgesOf } from '../../machines/edges.ts';
import { type Chart, machineOf, type StageChart } from '../../machines/machine.ts';
import { everything } from '../support/stories.ts';

const { act, given, end } = edgesOf('one', '#run.done');

// A name that nothing implements does not compile: `npm run typecheck` is the test, and it fails as
// well where an error that is expected here is none.
// @ts-expect-error no action has this name
act('sayFaild');
// @ts-expect-error no guard has this name
given('canRetri');
// @ts-expect-error nothing ends an attempt under this name
end('noteSilense');
const named = (chart: StageChart | Chart['states']) => chart;
// @ts-expect-error no action has this name
named({ entry: [{ type: 'beginAttemp', params: { stage: 'one' } }] });
// @ts-expect-error the action needs its stage
named({ entry: [{ type: 'beginAttempt' }] });
// @ts-expect-error no actor has this name
named({ invoke: { id: 'attempt-one', src: 'stages', input: { stage: 'one' } } });
// @ts-expect-error no delay has this name
named({ after: { attemptTimout: { target: 'ending' } } });
// @ts-expect-error no event has this name
named({ on: { STOPP: { target: 'ending' } } });

test('I12: a stored chart that names what no longer exists is not supported, and each name is said', () => {
  const text = JSON.stringify(compile(everything));
  const foreign = [
    ['"sayFailed"', '"sayLostForEver"'],
    ['"canRetry"', '"mayRetryForEver"'],
    ['"src":"verify"', '"src":"inspect"'],
    ['"runWarning"', '"runReminder"'],
  ].reduce((chart, [from, to]) => chart.replaceAll(from as string, to as string), text);
  expect(() => machineOf(JSON.parse(text))).not.toThrow();
  expect(() => machineOf(JSON.parse(foreign))).toThrow(/^this version does not know: /);
  for (const name of ['sayLostForEver', 'mayRetryForEver', 'inspect', 'runReminder'])
    expect(() => machineOf(JSON.parse(foreign))).toThrow(name);
});
