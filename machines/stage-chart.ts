import type { StageDefinition } from '../definition/definition.ts';
import { stuckOr } from './drain-edges.ts';
import { edgesOf } from './edges.ts';
import { deciding } from './gates.ts';
import type { StageChart } from './machine.ts';

type Edges = ReturnType<typeof edgesOf>;

/** Which limits stand still while the run is paused. */
type Limits = { run: boolean; stage: boolean };

/** What works, and what ends it: nothing leads on but an answer and a drain. */
const working = (
  stage: StageDefinition,
  { act, given, ...edges }: Edges,
  goesOn = stage.allowFailure,
) => {
  const { finish, skipItself, passOver, retryAfter, lose, fail, condemn, end } = edges;
  // Where a failure ends the run, its drain ends the attempt.
  const total = goesOn && stage.totalTimeoutMs !== null;
  const params = { stage: stage.name };
  const verifies = stage.files.length > 0;
  return {
    attempting: {
      entry: act('beginAttempt', 'sayStarted'),
      invoke: {
        id: `attempt-${stage.name}`,
        src: 'stage',
        input: params,
        onDone: [
          skipItself,
          verifies ? { target: 'verifying', actions: act('keepAnswer') } : finish('keepAnswer'),
        ],
        onError: [
          { guard: given('wasInterrupted'), ...end('noteInterrupted') },
          retryAfter('canRetry'),
          fail,
        ],
      },
      after: {
        [`attemptTimeout.${stage.name}`]: end('noteTimeout'),
        ...(stage.warnAfterMs !== null && {
          [`attemptWarning.${stage.name}`]: { actions: act('sayAttemptSlow') },
        }),
      },
      on: {
        INTERRUPTED: end('noteInterrupted'),
        HEARTBEAT_LATE: end('noteSilence'),
        SKIP_STAGE: { guard: given('maySkip'), ...end('noteSkip') },
        ...(total && { STAGE_TIMEOUT: end('noteTotal') }),
      },
    },
    ...(verifies && {
      verifying: {
        invoke: {
          id: `verify-${stage.name}`,
          src: 'verify',
          input: params,
          onDone: finish(),
          onError: [retryAfter('canRetry'), fail],
        },
        after: { verifyDeadline: end('noteVerifyTimeout') },
        ...(total && { on: { STAGE_TIMEOUT: end('noteTotal') } }),
      },
    }),
    ending: {
      // Nothing goes on until the drain has proven that no process is left.
      invoke: {
        id: `drain-${stage.name}`,
        src: 'drain',
        input: params,
        onDone: [passOver('endsToSkip'), lose, retryAfter('canRetryEnded'), fail],
      },
      on: {
        ...stuckOr<string, (typeof condemn.actions)[number]>(condemn),
        ...(total && { STAGE_TIMEOUT: { actions: act('noteTotal') } }),
      },
    },
  } as const satisfies StageChart['states'];
};

/** The chart of one stage. `next` is where its success leads. */
export const stageChart = (stage: StageDefinition, next: string, limits: Limits) => {
  const edges = edgesOf(stage.name, next, stage.allowFailure ? 'failure' : 'nothing');
  const { act, given, passOver, giveUp } = edges;
  const hasGate = stage.when !== null;
  const resumed = act('withdrawPause', 'sayResumed');
  const arm = [
    ...(limits.run ? act('armRunTimeout') : []),
    ...(limits.stage ? act('armTotalTimeout') : []),
  ];
  const disarm = [
    ...(limits.run ? act('cancelRunTimeout') : []),
    ...(limits.stage ? act('cancelTotalTimeout') : []),
  ];
  return {
    meta: { stage: stage.name, title: stage.title },
    initial: 'ready',
    entry: [...act('enterStage'), ...(limits.stage ? act('armTotalTimeout') : [])],
    ...(limits.stage && { exit: act('cancelTotalTimeout') }),
    // A wish, until the stage is at a point where nothing works.
    on: {
      PAUSE: { guard: given('mayPause'), actions: act('notePause') },
      RESUME: { guard: given('pauseAsked'), actions: act('withdrawPause', 'sayResumed') },
      ...(limits.stage &&
        !stage.allowFailure && {
          STAGE_TIMEOUT: { target: '#run.failing', actions: act('noteStageTimeout') },
        }),
    },
    states: {
      ready: {
        always: [
          { guard: given('isReused'), target: next, actions: act('sayReused') },
          { guard: given('pauseAsked'), target: 'paused' },
          { target: hasGate ? 'deciding' : 'attempting' },
        ],
      },
      ...(hasGate && deciding(stage, edges)),
      ...working(stage, edges),
      backingOff: {
        always: { guard: given('pauseAsked'), target: 'paused' },
        after: { [`backoff.${stage.name}`]: { target: 'attempting' } },
        on: {
          RETRY_NOW: { target: 'attempting' },
          SKIP_STAGE: passOver('maySkip'),
          PAUSE: { target: 'paused', actions: act('notePause') },
          ...(limits.stage && stage.allowFailure && { STAGE_TIMEOUT: giveUp }),
        },
      },
      paused: {
        entry: [...act('sayPaused', 'holdStage'), ...disarm],
        exit: [...act('releaseStage'), ...arm],
        on: {
          RESUME: hasGate
            ? [
                { guard: given('hasBegun'), target: 'attempting', actions: resumed },
                { target: 'deciding', actions: resumed },
              ]
            : { target: 'attempting', actions: resumed },
          // Whoever paused the run has not resumed it: it stays paused, before the next stage.
          SKIP_STAGE: passOver('maySkip'),
        },
      },
    },
  } as const satisfies StageChart;
};

/** The chart of a hook: a stage whose failure leads on, and which is not paused. */
export const hookChart = (hook: StageDefinition, next: string) => {
  const edges = edgesOf(hook.name, next, 'hook');
  const { act, passOver, giveUp } = edges;
  const hasTotal = hook.totalTimeoutMs !== null;
  const begins = hook.when === null ? 'attempting' : 'deciding';
  return {
    meta: { stage: hook.name, title: hook.title },
    initial: begins,
    entry: [...act('enterStage'), ...(hasTotal ? act('armTotalTimeout') : [])],
    ...(hasTotal && { exit: act('cancelTotalTimeout') }),
    states: {
      ...(hook.when !== null && deciding(hook, edges, true)),
      ...working(hook, edges, true),
      backingOff: {
        after: { [`backoff.${hook.name}`]: { target: 'attempting' } },
        on: {
          RETRY_NOW: { target: 'attempting' },
          SKIP_STAGE: passOver('maySkip'),
          ...(hasTotal && { STAGE_TIMEOUT: giveUp }),
        },
      },
    },
  } as const satisfies StageChart;
};
