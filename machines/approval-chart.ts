import type { StageDefinition } from '../definition/definition.ts';
import { edgesOf } from './edges.ts';
import { deciding } from './gates.ts';
import type { StageChart } from './machine.ts';

/**
 * The chart of a stage that somebody has to approve. Nothing of it works, so the limit of the run
 * stands still while it waits, and whatever leads out of it leads out at once.
 */
export const approvalChart = (stage: StageDefinition, next: string, hasRunLimit: boolean) => {
  const { program, name, title, when } = stage;
  if (program.kind !== 'approval') throw new Error(`${name} is no approval`);
  const edges = edgesOf(name, next);
  const { act, given, passOver } = edges;
  const begins = when === null ? 'awaiting' : 'deciding';
  const disarm = hasRunLimit ? act('cancelRunTimeout') : [];
  const arm = hasRunLimit ? act('armRunTimeout') : [];
  const rejected = { target: '#run.failing', actions: act('sayRejected', 'rejectStage') } as const;
  const approved = { target: next, actions: act('sayApproved', 'approveStage') } as const;
  return {
    meta: { stage: name, title },
    initial: 'ready',
    entry: act('enterStage'),
    on: {
      PAUSE: { guard: given('mayPause'), actions: act('notePause') },
      RESUME: { guard: given('pauseAsked'), actions: act('withdrawPause', 'sayResumed') },
    },
    states: {
      ready: {
        always: [
          { guard: given('isReused'), target: next, actions: act('sayReused') },
          { guard: given('pauseAsked'), target: 'paused' },
          { target: begins },
        ],
      },
      ...(when !== null && deciding(stage, edges, { total: false }, 'awaiting')),
      paused: {
        entry: [...act('sayPaused', 'holdStage'), ...disarm],
        exit: [...act('releaseStage'), ...arm],
        on: {
          RESUME: { target: begins, actions: act('withdrawPause', 'sayResumed') },
          SKIP_STAGE: passOver('maySkip'),
        },
      },
      awaiting: {
        entry: [...act('requestApproval', 'sayApprovalRequested'), ...disarm],
        exit: [...act('releaseStage'), ...arm],
        ...(program.deadlineMs !== null && {
          after: {
            [`approvalDeadline.${name}`]: program.otherwise === 'approve' ? approved : rejected,
          },
        }),
        on: {
          APPROVE: { guard: given('isMeant'), ...approved },
          REJECT: { guard: given('isMeant'), ...rejected },
          SKIP_STAGE: passOver('maySkip'),
        },
      },
    },
  } as const satisfies StageChart;
};
