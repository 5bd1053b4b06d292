import type { StageDefinition, StageGroup } from '../definition/definition.ts';
import type { StageChart } from './machine.ts';
import { stageChart } from './stage-chart.ts';

/**
 * Stages beside each other: a region each. The group is over when every region is, and then leads
 * on, unless one of them has failed.
 */
export const groupChart = (
  { name, title, failFast }: StageGroup,
  stages: StageDefinition[],
  next: string,
  hasRunLimit: boolean,
) => {
  const params = { stage: name };
  return {
    meta: { group: name, title },
    type: 'parallel',
    states: Object.fromEntries(
      stages.map((stage) => {
        const limits = { run: hasRunLimit, stage: stage.totalTimeoutMs !== null };
        return [stage.name, stageChart(stage, 'over', limits, { failFast })];
      }),
    ),
    // Not `onDone`: its event has no instant, and what follows would not know when it began.
    always: [
      {
        guard: { type: 'hasGroupFailed', params },
        target: '#run.failing',
        actions: [{ type: 'failGroup', params }],
      },
      { guard: { type: 'isGroupOver', params }, target: next },
    ],
  } as const satisfies StageChart;
};
