import type { PipelineDefinition, StageDefinition } from '../definition/definition.ts';
import { drainThen, stuckOr } from './drain-edges.ts';
import type { Chart } from './machine.ts';
import { hookChart } from './stage-chart.ts';

type Hooks = Pick<PipelineDefinition, 'onFailure' | 'finally'>;
type Ends = { done: string; failed: string; stopped: string };
const finals: Ends = { done: '#run.done', failed: 'failed', stopped: 'stopped' };

/** Where the ways of a run lead to when nothing of it works any more. */
export const endsOf = ({ onFailure = [], finally: last = [] }: Hooks): Ends =>
  onFailure.length + last.length === 0
    ? finals
    : { done: '#run.concluded', failed: 'concluded', stopped: 'concluded' };

/**
 * From what came of the run over its hooks to its final state: `concluded` decides which hooks there
 * are, `closing` runs one after the other, `sealing` ends them when somebody cannot wait, `over`
 * leads to the end that was decided. Runs without hooks have none of it.
 */
export const closingStates = ({ onFailure = [], finally: last = [] }: Hooks) => {
  const hooks = [...onFailure, ...last];
  const [first] = hooks;
  if (first === undefined) return {};
  const toLast = last[0] ? `closing.${last[0].name}` : 'over';
  return {
    concluded: {
      entry: [{ type: 'conclude' }],
      always: [
        ...(onFailure[0]
          ? [{ guard: { type: 'hasFailed' }, target: `closing.${onFailure[0].name}` } as const]
          : []),
        { target: toLast },
      ],
    },
    closing: {
      initial: first.name,
      states: Object.fromEntries(
        hooks.map((hook, index) => [hook.name, hookChart(hook, after(hooks, index))]),
      ),
      on: {
        STOP: [
          { guard: { type: 'namesGrace' }, target: 'sealing', actions: [{ type: 'noteStop' }] },
          { actions: [{ type: 'sayHooksGoOn' }] },
        ],
      },
    },
    sealing: {
      invoke: drainThen('over', 'sayClosedStopped', 'closeStopped'),
      on: {
        STOP: { target: 'sealing', reenter: true, actions: [{ type: 'noteStop' }] },
        ...stuckOr({ target: 'sealing' }),
      },
    },
    over: {
      exit: [{ type: 'showConclusion' }],
      always: [
        { guard: { type: 'hasFailed' }, target: 'failed' },
        { guard: { type: 'wasStopped' }, target: 'stopped' },
        { target: 'done' },
      ],
    },
  } as const satisfies Chart['states'];
};

const after = (hooks: StageDefinition[], index: number): string => {
  const next = hooks[index + 1];
  return next ? `#run.closing.${next.name}` : '#run.over';
};
