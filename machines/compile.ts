import type { PipelineDefinition, StageDefinition } from '../definition/definition.ts';
import { references } from '../definition/interpolate.ts';
import { judgedOf } from '../definition/stage-fields.ts';
import type { RunContext, StageFacts, StagePolicy } from './context.ts';

/** Grows when the same definition compiles to another chart; stored with each chart (T8). */
export const compilerVersion = 2;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/**
 * A chart is JSON and nothing else: functions are named, never inline, so that it can be stored and
 * revived.
 */
export type ChartConfig = { [key: string]: Json };

const policyOf = (stage: StageDefinition, later: StageDefinition[]): StagePolicy => ({
  retries: stage.retry.limit,
  initialMs: stage.retry.initialMs,
  factor: stage.retry.factor,
  maxMs: stage.retry.maxMs,
  jitter: stage.retry.jitter,
  neverOn: stage.retry.neverOn,
  classes: stage.retry.classes ?? [],
  usedBy: later
    .filter(({ program, with: given, env, cwd, files }) =>
      references({ program, given, env, cwd, files }).some(
        ([root, name]) => root === 'stages' && name === stage.name,
      ),
    )
    .map(({ name }) => name),
  isLast: later.length === 0,
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
};

/**
 * Timers that are raised and cancelled by name, because they stand still while the run is paused.
 */
type Limits = { run: boolean; stage: boolean };

/** The chart of one stage. `next` is where its success leads. */
const stageChart = (stage: StageDefinition, next: string, limits: Limits): ChartConfig => {
  const params = { stage: stage.name };
  const act = (...types: string[]) => types.map((type) => ({ type, params }));
  const given = (type: string) => ({ type, params });
  const arm = [
    ...(limits.run ? act('armRunTimeout') : []),
    ...(limits.stage ? act('armStageTimeout') : []),
  ];
  const disarm = [
    ...(limits.run ? act('cancelRunTimeout') : []),
    ...(limits.stage ? act('cancelStageTimeout') : []),
  ];
  // The say stands before the assign that clears its cause, the retrying say after the assign that
  // computes the delay.
  const retry = { target: 'backingOff', actions: act('sayFailed', 'scheduleRetry', 'sayRetrying') };
  const fail = { target: '#run.failing', actions: act('sayFailed', 'failStage') };
  const complete = act('completeStage', 'saySucceeded');
  const skipped = {
    guard: given('wasSkipped'),
    target: next,
    actions: act('skipStage', 'saySkipped'),
  };
  const passOver = {
    guard: given('maySkip'),
    target: next,
    actions: act('sayPassedOver', 'passOver'),
  };
  const verifies = stage.files.length > 0;
  return {
    meta: { stage: stage.name, title: stage.title },
    initial: 'ready',
    entry: [...act('enterStage'), ...(limits.stage ? act('armStageTimeout') : [])],
    ...(limits.stage && { exit: act('cancelStageTimeout') }),
    // A wish, until the stage is at a point where nothing works.
    on: {
      PAUSE: { guard: given('mayPause'), actions: act('notePause') },
      RESUME: { guard: given('pauseAsked'), actions: act('withdrawPause', 'sayResumed') },
      ...(limits.stage && {
        STAGE_TIMEOUT: { target: '#run.failing', actions: act('noteStageTimeout') },
      }),
    },
    states: {
      ready: {
        always: [
          { guard: given('isReused'), target: next, actions: act('sayReused') },
          { guard: given('pauseAsked'), target: 'paused' },
          { target: 'attempting' },
        ],
      },
      attempting: {
        entry: act('beginAttempt', 'sayStarted'),
        invoke: {
          id: `attempt-${stage.name}`,
          src: 'stage',
          input: params,
          onDone: verifies
            ? [skipped, { target: 'verifying', actions: act('keepAnswer') }]
            : [skipped, { target: next, actions: [...act('keepAnswer'), ...complete] }],
          onError: [
            { guard: given('wasInterrupted'), target: 'ending', actions: act('noteInterrupted') },
            { guard: given('canRetry'), ...retry },
            fail,
          ],
        },
        after: {
          attemptTimeout: { target: 'ending', actions: act('noteTimeout') },
          ...(stage.warnAfterMs !== null && {
            attemptWarning: { actions: act('sayAttemptSlow') },
          }),
        },
        on: {
          INTERRUPTED: { target: 'ending', actions: act('noteInterrupted') },
          HEARTBEAT_LATE: { target: 'ending', actions: act('noteSilence') },
          SKIP_STAGE: { guard: given('maySkip'), target: 'ending', actions: act('noteSkip') },
        },
      },
      ...(verifies && {
        verifying: {
          invoke: {
            id: `verify-${stage.name}`,
            src: 'verify',
            input: params,
            onDone: { target: next, actions: complete },
            onError: [{ guard: given('canRetry'), ...retry }, fail],
          },
          after: { verifyDeadline: { target: 'ending', actions: act('noteVerifyTimeout') } },
        },
      }),
      ending: {
        // Leaving is not killing (T1): nothing goes on until the drain has proven that no process
        // is left.
        invoke: {
          id: `drain-${stage.name}`,
          src: 'drain',
          input: params,
          onDone: [
            { guard: given('endsToSkip'), target: next, actions: act('sayPassedOver', 'passOver') },
            {
              guard: given('mayContinue'),
              target: 'backingOff',
              actions: act('sayLost', 'scheduleContinuation', 'sayRetrying'),
            },
            { guard: given('canRetryEnded'), ...retry },
            fail,
          ],
        },
        on: stuckOr('#run.failing', ...act('sayFailed', 'failStage')),
      },
      backingOff: {
        always: { guard: given('pauseAsked'), target: 'paused' },
        after: { backoff: { target: 'attempting' } },
        on: {
          RETRY_NOW: { target: 'attempting' },
          SKIP_STAGE: passOver,
          PAUSE: { target: 'paused', actions: act('notePause') },
        },
      },
      paused: {
        entry: [...act('sayPaused', 'holdStage'), ...disarm],
        exit: [...act('releaseStage'), ...arm],
        on: {
          RESUME: { target: 'attempting', actions: act('withdrawPause', 'sayResumed') },
          // Whoever paused the run has not resumed it: it stays paused, before the next stage.
          SKIP_STAGE: passOver,
        },
      },
    },
  };
};

const drainThen = (target: string, say: string, close: string) => ({
  id: 'drain-run',
  src: 'drain',
  onDone: { target, actions: [{ type: say }, { type: close }] },
});
/**
 * While a drain waits: the news that a process outlives SIGKILL, and the only way past it; the next
 * drain finds nothing left.
 */
const stuckOr = (target: string, ...more: Json[]) => ({
  DRAIN_LATE: { actions: [{ type: 'noteStuck' }] },
  RELEASE: {
    guard: { type: 'isStuck' },
    target,
    reenter: true,
    actions: [{ type: 'sayReleased' }, { type: 'noteReleased' }, ...more],
  },
});

const contextOf = ({
  stages,
  timeoutMs,
  warnAfterMs,
  concurrency,
}: PipelineDefinition): RunContext => ({
  policy: Object.fromEntries(
    stages.map((stage, index) => [stage.name, policyOf(stage, stages.slice(index + 1))]),
  ),
  order: stages.map((stage) => stage.name),
  runTimeoutMs: timeoutMs,
  runWarnAfterMs: warnAfterMs ?? null,
  queueTimeoutMs: concurrency.queue?.timeoutMs ?? null,
  runId: '',
  stage: null,
  attemptOpen: false,
  stages: Object.fromEntries(stages.map((stage) => [stage.name, freshFacts])),
  ending: null,
  skip: null,
  pause: null,
  queued: null,
  runLimit: null,
  stageLimit: null,
  error: null,
  stuck: null,
  stop: null,
  backoffMs: 0,
  retryAt: null,
  retryCount: 0,
  startedAt: null,
  endedAt: null,
});

/**
 * The lifecycle chart of a pipeline: one definition, one statechart, complete JSON.
 * The same chart executes, is drawn, is model-checked and lists the legal commands.
 */
export const compile = (definition: PipelineDefinition): ChartConfig => {
  const stop = { target: '#run.stopping', actions: [{ type: 'noteStop' }] };
  const hasRunLimit = definition.timeoutMs !== null;
  const hasQueueLimit = (definition.concurrency.queue?.timeoutMs ?? null) !== null;
  const stages = definition.stages.map((stage, index) => {
    const following = definition.stages[index + 1];
    const limits = { run: hasRunLimit, stage: stage.totalTimeoutMs !== null };
    return [
      stage.name,
      stageChart(stage, following ? `#run.running.${following.name}` : '#run.done', limits),
    ] as const;
  });
  const config = {
    id: 'run',
    initial: 'idle',
    context: contextOf(definition) as unknown as Json,
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
        initial: definition.stages[0]?.name as string,
        ...(hasRunLimit && {
          entry: [{ type: 'beginRunLimit' }, { type: 'armRunTimeout' }],
          exit: [{ type: 'cancelRunTimeout' }],
        }),
        states: Object.fromEntries(stages),
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
        invoke: drainThen('failed', 'sayClosedFailed', 'closeFailed'),
        on: stuckOr('failing'),
      },
      stopping: {
        invoke: drainThen('stopped', 'sayClosedStopped', 'closeStopped'),
        // A second stop may shorten the grace: the drain begins anew with it.
        on: {
          STOP: { target: 'stopping', reenter: true, actions: [{ type: 'noteStop' }] },
          ...stuckOr('stopping'),
        },
      },
      done: { type: 'final', entry: [{ type: 'endRun' }] },
      failed: { type: 'final', entry: [{ type: 'endRun' }] },
      stopped: { type: 'final', entry: [{ type: 'endRun' }] },
    },
  };
  // Through JSON once: what the store gives back later is exactly what ran today.
  return JSON.parse(JSON.stringify(config)) as ChartConfig;
};
