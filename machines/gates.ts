import type { StageDefinition } from '../definition/definition.ts';
import type { edgesOf } from './edges.ts';
import type { StageChart } from './machine.ts';

type Edges = Pick<ReturnType<typeof edgesOf>, 'skipItself' | 'fail' | 'giveUp' | 'given'>;

/**
 * Where its `when` is judged: what stands in it is known to the service, not to the chart.
 * @param total its total timeout ends it alone
 */
export const deciding = (
  { name }: StageDefinition,
  { skipItself, fail, giveUp, given }: Edges,
  { total, beside = false }: { total: boolean; beside?: boolean },
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
      // Every region hears what is said to one of them.
      ...(total && {
        on: { STAGE_TIMEOUT: { ...(beside && { guard: given('isMeant') }), ...giveUp } },
      }),
    },
  }) as const satisfies StageChart['states'];
