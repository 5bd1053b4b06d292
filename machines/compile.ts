import type { RunContext, StageFacts, StagePolicy } from './context.ts';
import type { PipelineDefinition, StageDefinition } from './definition.ts';

/** Grows when the same definition compiles to another chart; stored with each chart (T8). */
export const compilerVersion = 1;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** A chart is JSON and nothing else: functions are named, never inline, so that it can be stored and revived. */
export type ChartConfig = { [key: string]: Json };

const policyOf = (stage: StageDefinition): StagePolicy => ({
  retries: stage.retry.limit,
  initialMs: stage.retry.initialMs,
  factor: stage.retry.factor,
  maxMs: stage.retry.maxMs,
  jitter: stage.retry.jitter,
  neverOn: stage.retry.neverOn,
  timeoutMs: stage.timeoutMs,
  heartbeatMs: stage.heartbeatMs,
  graceMs: stage.graceMs,
  onRestart: stage.onRestart,
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

/** The chart of one stage. `next` is where its success leads. */
const stageChart = (stage: StageDefinition, next: string): ChartConfig => {
  const params = { stage: stage.name };
  const act = (...types: string[]) => types.map((type) => ({ type, params }));
  const given = (type: string) => ({ type, params });
  // The say stands before the assign that clears its cause, the retrying say after the assign that computes the delay.
  const retry = { target: 'backingOff', actions: act('sayFailed', 'scheduleRetry', 'sayRetrying') };
  const fail = { target: '#run.failing', actions: act('sayFailed', 'failStage') };
  const complete = act('completeStage', 'saySucceeded');
  const skipped = { guard: given('wasSkipped'), target: next, actions: act('skipStage', 'saySkipped') };
  const verifies = stage.files.length > 0;
  return {
    meta: { stage: stage.name, title: stage.title },
    initial: 'attempting',
    states: {
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
        after: { attemptTimeout: { target: 'ending', actions: act('noteTimeout') } },
        on: {
          INTERRUPTED: { target: 'ending', actions: act('noteInterrupted') },
          HEARTBEAT_LATE: { target: 'ending', actions: act('noteSilence') },
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
        // Leaving is not killing (T1): nothing goes on until the drain has proven that no process is left.
        invoke: {
          id: `drain-${stage.name}`,
          src: 'drain',
          input: params,
          onDone: [
            { guard: given('mayContinue'), target: 'backingOff', actions: act('sayLost', 'scheduleContinuation', 'sayRetrying') },
            { guard: given('canRetryEnded'), ...retry },
            fail,
          ],
        },
      },
      backingOff: { after: { backoff: { target: 'attempting' } } },
    },
  };
};

const drainThen = (target: string, say: string, close: string) => ({
  id: 'drain-run',
  src: 'drain',
  onDone: { target, actions: [{ type: say }, { type: close }] },
});

/**
 * The lifecycle chart of a pipeline: one definition, one statechart, complete JSON.
 * The same chart executes, is drawn, is model-checked and lists the legal commands.
 */
export const compile = (definition: PipelineDefinition): ChartConfig => {
  const context: RunContext = {
    policy: Object.fromEntries(definition.stages.map((stage) => [stage.name, policyOf(stage)])),
    order: definition.stages.map((stage) => stage.name),
    runTimeoutMs: definition.timeoutMs,
    runId: '',
    stage: null,
    attemptOpen: false,
    stages: Object.fromEntries(definition.stages.map((stage) => [stage.name, freshFacts])),
    ending: null,
    error: null,
    stop: null,
    backoffMs: 0,
    retryAt: null,
    retryCount: 0,
    startedAt: null,
    endedAt: null,
  };
  const stop = { target: '#run.stopping', actions: [{ type: 'noteStop' }] };
  const stages = definition.stages.map((stage, index) => {
    const following = definition.stages[index + 1];
    return [stage.name, stageChart(stage, following ? `#run.running.${following.name}` : '#run.done')] as const;
  });
  const config = {
    id: 'run',
    initial: 'idle',
    context: context as unknown as Json,
    on: { FAULT: { target: '.failing', actions: [{ type: 'noteFault' }] } },
    states: {
      idle: { on: { ADMITTED: { target: 'starting' } } },
      starting: {
        entry: [{ type: 'beginRun' }],
        invoke: {
          id: 'preflight',
          src: 'preflight',
          onDone: { target: 'running' },
          onError: { target: 'failing', actions: [{ type: 'noteError' }] },
        },
        after: { preflightDeadline: { target: 'failing', actions: [{ type: 'notePreflightTimeout' }] } },
        on: { STOP: stop },
      },
      running: {
        initial: definition.stages[0]?.name as string,
        states: Object.fromEntries(stages),
        on: { STOP: stop },
        ...(definition.timeoutMs !== null && {
          after: { runTimeout: { target: 'failing', actions: [{ type: 'noteRunTimeout' }] } },
        }),
      },
      failing: { invoke: drainThen('failed', 'sayClosedFailed', 'closeFailed') },
      stopping: {
        invoke: drainThen('stopped', 'sayClosedStopped', 'closeStopped'),
        // A second stop may shorten the grace: the drain begins anew with it.
        on: { STOP: { target: 'stopping', reenter: true, actions: [{ type: 'noteStop' }] } },
      },
      done: { type: 'final', entry: [{ type: 'endRun' }] },
      failed: { type: 'final', entry: [{ type: 'endRun' }] },
      stopped: { type: 'final', entry: [{ type: 'endRun' }] },
    },
  };
  // Through JSON once: what the store gives back later is exactly what ran today.
  return JSON.parse(JSON.stringify(config)) as ChartConfig;
};
