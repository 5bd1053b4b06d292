import {
  allStages,
  type PipelineDefinition,
  roleOf,
  type StageDefinition,
} from '../definition/definition.ts';
import { stagesAfter, stepsOf } from '../definition/groups.ts';
import { references } from '../definition/interpolate.ts';
import type { ProgramOf } from '../definition/kinds/stage-kinds.ts';
import { judgedOf } from '../definition/stage-fields.ts';
import { approvalChart } from './approval-chart.ts';
import type { ChartConfig } from './chart-config.ts';
import { closingStates, endsOf } from './closing.ts';
import type { RunContext, StageFacts, StagePolicy } from './context.ts';
import { drainOrEnd, drainThen, stuckOr } from './drain-edges.ts';
import { groupChart } from './group-chart.ts';
import type { Chart } from './machine.ts';
import { stageChart } from './stage-chart.ts';

/** Grows when the same definition compiles to another chart; stored with each chart (T8). */
export const compilerVersion = 4;

const approvalOf = ({ message, deadlineMs, otherwise }: ProgramOf<'approval'>) => ({
  message,
  deadlineMs,
  otherwise,
});
const policyOf = (
  stage: StageDefinition,
  later: StageDefinition[],
  role: StagePolicy['role'] | null = null,
): StagePolicy => ({
  retries: stage.retry.limit,
  initialMs: stage.retry.initialMs,
  factor: stage.retry.factor,
  maxMs: stage.retry.maxMs,
  jitter: stage.retry.jitter,
  neverOn: stage.retry.neverOn,
  classes: stage.retry.classes ?? [],
  usedBy: later
    .filter(({ program, with: given, env, cwd, files, when }) =>
      references({ program, given, env, cwd, files, when }).some(
        ([root, name]) => root === 'stages' && name === stage.name,
      ),
    )
    .map(({ name }) => name),
  isLast: later.length === 0,
  ...(role && { role }),
  ...(stage.program.kind === 'approval' && { approval: approvalOf(stage.program) }),
  ...judgedOf(stage),
});

const freshFacts: StageFacts = {
  state: 'pending',
  attempt: 0,
  interruptions: 0,
  startedAt: null,
  attemptStartedAt: null,
  endedAt: null,
  outputs: {},
  metrics: {},
  reason: null,
  attemptOpen: false,
  ending: null,
  skip: null,
  limit: null,
  backoffMs: 0,
  retryAt: null,
};

const contextOf = (definition: PipelineDefinition): RunContext => {
  const { groups = [], timeoutMs, warnAfterMs, concurrency } = definition;
  const whole = allStages(definition);
  return {
    policy: Object.fromEntries(
      whole.map((stage) => {
        const { name } = stage;
        return [name, policyOf(stage, stagesAfter(definition, name), roleOf(definition, name))];
      }),
    ),
    order: whole.map((stage) => stage.name),
    ...(groups.length > 0 && { groups: groups.map(({ name, stages }) => ({ name, stages })) }),
    runTimeoutMs: timeoutMs,
    runWarnAfterMs: warnAfterMs ?? null,
    queueTimeoutMs: concurrency.queue?.timeoutMs ?? null,
    runId: '',
    stage: null,
    stages: Object.fromEntries(whole.map((stage) => [stage.name, freshFacts])),
    pause: null,
    queued: null,
    runLimit: null,
    error: null,
    stuck: null,
    stop: null,
    retryCount: 0,
    startedAt: null,
    endedAt: null,
  };
};

/** The stages and groups of a pipeline, each with where it leads when it is over. */
const stepCharts = (definition: PipelineDefinition, last: string) => {
  const hasRunLimit = definition.timeoutMs !== null;
  const steps = stepsOf(definition).map(({ group, stages }) => {
    const [stage] = stages as [StageDefinition];
    return { group, stages, stage, name: group?.name ?? stage.name };
  });
  return steps.map(({ group, stages, stage, name }, index) => {
    const following = steps[index + 1];
    const next = following ? `#run.running.${following.name}` : last;
    const limits = { run: hasRunLimit, stage: stage.totalTimeoutMs !== null };
    const chart = group
      ? groupChart(group, stages, next, hasRunLimit)
      : stage.program.kind === 'approval'
        ? approvalChart(stage, next, hasRunLimit)
        : stageChart(stage, next, limits);
    return { name, chart };
  });
};

/**
 * The lifecycle chart of a pipeline: one definition, one statechart, complete JSON.
 * The same chart executes, is drawn, is model-checked and lists the legal commands.
 */
export const compile = (definition: PipelineDefinition): ChartConfig => {
  const stop = { target: '#run.stopping', actions: [{ type: 'noteStop' }] } as const;
  const hasRunLimit = definition.timeoutMs !== null;
  const hasQueueLimit = (definition.concurrency.queue?.timeoutMs ?? null) !== null;
  const ends = endsOf(definition);
  const stages = stepCharts(definition, ends.done);
  const chart = {
    id: 'run',
    initial: 'idle',
    context: contextOf(definition),
    on: { FAULT: { target: '.failing', actions: [{ type: 'noteFault' }] } },
    states: {
      idle: {
        on: {
          ADMITTED: { target: 'starting' },
          ENQUEUED: { target: 'queued', actions: [{ type: 'noteQueued' }, { type: 'sayQueued' }] },
        },
      },
      queued: {
        on: {
          ADMITTED: { target: 'starting' },
          // The run ahead has changed.
          ENQUEUED: { actions: [{ type: 'noteQueued' }] },
          // Nothing was begun, so nothing has to be ended.
          STOP: { target: 'stopped', actions: [{ type: 'noteStop' }] },
        },
        ...(hasQueueLimit && {
          after: { queueTimeout: { target: 'failed', actions: [{ type: 'noteQueueTimeout' }] } },
        }),
      },
      starting: {
        entry: [{ type: 'beginRun' }],
        invoke: {
          id: 'preflight',
          src: 'preflight',
          onDone: { target: 'running' },
          onError: { target: 'failing', actions: [{ type: 'noteError' }] },
        },
        after: {
          preflightDeadline: { target: 'failing', actions: [{ type: 'notePreflightTimeout' }] },
        },
        on: {
          STOP: stop,
          PAUSE: { actions: [{ type: 'notePause' }] },
          RESUME: {
            guard: { type: 'pauseAsked' },
            actions: [{ type: 'withdrawPause' }, { type: 'sayResumed' }],
          },
        },
      },
      running: {
        initial: stages[0]?.name as string,
        ...(hasRunLimit && {
          entry: [{ type: 'beginRunLimit' }, { type: 'armRunTimeout' }],
          exit: [{ type: 'cancelRunTimeout' }],
        }),
        states: Object.fromEntries(stages.map(({ name, chart }) => [name, chart])),
        on: {
          STOP: stop,
          ...(hasRunLimit && {
            RUN_TIMEOUT: { target: 'failing', actions: [{ type: 'noteRunTimeout' }] },
          }),
        },
        ...((definition.warnAfterMs ?? null) !== null && {
          after: { runWarning: { actions: [{ type: 'sayRunSlow' }] } },
        }),
      },
      failing: {
        invoke: drainOrEnd(ends.failed),
        on: stuckOr({ target: 'failing' }),
      },
      stopping: {
        invoke: drainThen(ends.stopped, 'sayClosedStopped', 'closeStopped'),
        // A second stop may shorten the grace: the drain begins anew with it.
        on: {
          STOP: { target: 'stopping', reenter: true, actions: [{ type: 'noteStop' }] },
          ...stuckOr({ target: 'stopping' }),
        },
      },
      ...closingStates(definition),
      done: { type: 'final', entry: [{ type: 'endRun' }] },
      failed: { type: 'final', entry: [{ type: 'endRun' }] },
      stopped: { type: 'final', entry: [{ type: 'endRun' }] },
    },
  } as const satisfies Chart;
  // Through JSON once: what the store gives back later is exactly what ran today.
  return JSON.parse(JSON.stringify(chart)) as ChartConfig;
};
