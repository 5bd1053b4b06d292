import type { StageDefinition } from '../definition/definition.ts';
import type { edgesOf } from './edges.ts';
import type { StageChart } from './machine.ts';

type Edges = Pick<ReturnType<typeof edgesOf>, 'skipItself' | 'fail' | 'giveUp'>;

/** Where its `when` is judged: what stands in it is known to the service, not to the chart. */
export const deciding = (
  { name, allowFailure, totalTimeoutMs }: StageDefinition,
  { skipItself, fail, giveUp }: Edges,
  goesOn = allowFailure,
  target = 'attempting',
) =>
  ({
    deciding: {
      invoke: {
        id: `when-${name}`,
        src: 'preflight',
        input: { stage: name },
        onDone: [skipItself, { target }],
        onError: fail,
      },
      ...(goesOn && totalTimeoutMs !== null && { on: { STAGE_TIMEOUT: giveUp } }),
    },
  }) as const satisfies StageChart['states'];
