import type { StageDefinition } from '../definition/definition.ts';
import { stuckBeside, stuckOr } from './drain-edges.ts';
import { edgesOf, ofRun } from './edges.ts';
import { deciding } from './gates.ts';
import type { StageChart } from './machine.ts';

type Edges = ReturnType<typeof edgesOf>;
type Condemned = Edges['condemn']['actions'][number];

/** Which limits stand still while the run is paused. */
export type Limits = { run: boolean; stage: boolean };
/** How a stage of a group fails: with the whole run, or alone until the others are over. */
export type Beside = { failFast: boolean };

/** Where its failure does not end the run, a stage alone is ended when its time is up. */
const isEndedAlone = (stage: StageDefinition, beside: Beside | null): boolean =>
  stage.totalTimeoutMs !== null && (beside !== null || stage.allowFailure);

/** What works, and what ends it: nothing leads on but an answer and a drain. */
const working = (
  stage: StageDefinition,
  { act, given, ...edges }: Edges,
  { beside, total }: { beside: Beside | null; total: boolean },
) => {
  const { finish, skipItself, passOver, retryAfter, lose, fail, condemn, end } = edges;
  const params = { stage: stage.name };
  const verifies = stage.files.length > 0;
  // Every region hears what is said to one of them.
  const meant = beside ? { guard: given('isMeant') } : {};
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
        INTERRUPTED: { ...meant, ...end('noteInterrupted') },
        HEARTBEAT_LATE: { ...meant, ...end('noteSilence') },
        SKIP_STAGE: { guard: given('maySkip'), ...end('noteSkip') },
        ...(total && { STAGE_TIMEOUT: { ...meant, ...end('noteTotal') } }),
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
        ...(total && { on: { STAGE_TIMEOUT: { ...meant, ...end('noteTotal') } } }),
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
        ...(beside
          ? stuckBeside<typeof params, Condemned>(params, condemn.actions)
          : stuckOr<string, Condemned>(condemn)),
        // It is being ended already; what follows is not judged as before.
        ...(total && { STAGE_TIMEOUT: { ...meant, actions: act('noteTotal') } }),
      },
    },
  } as const satisfies StageChart['states'];
};

/** What stands still and goes on with a pause of this stage. */
const limitEdges = ({ act }: Edges, limits: Limits, beside: Beside | null) => ({
  arm: [
    ...(limits.run ? act(beside ? 'goOnRun' : 'armRunTimeout') : []),
    ...(limits.stage ? act('armTotalTimeout') : []),
  ],
  disarm: [
    ...(limits.run ? act(beside ? 'restRun' : 'cancelRunTimeout') : []),
    ...(limits.stage ? act('cancelTotalTimeout') : []),
  ],
});

/**
 * The chart of one stage. `next` is where its success leads; in a group that is the end of its
 * region, and the group leads on.
 */
export const stageChart = (
  stage: StageDefinition,
  next: string,
  limits: Limits,
  beside: Beside | null = null,
) => {
  const ofGroup = { target: 'over', note: 'failBeside' } as const;
  const failed = beside?.failFast === false ? ofGroup : ofRun;
  const edges = edgesOf(stage.name, next, stage.allowFailure ? 'failure' : 'nothing', failed);
  const hasGate = stage.when !== null;
  const { act, given, passOver, giveUp } = edges;
  const total = isEndedAlone(stage, beside);
  const { arm, disarm } = limitEdges(edges, limits, beside);
  const resume = beside
    ? act('sayResumedOnce', 'withdrawPause')
    : act('withdrawPause', 'sayResumed');
  const meant = beside ? { guard: given('isMeant') } : {};
  return {
    meta: { stage: stage.name, title: stage.title },
    initial: 'ready',
    entry: [...act('enterStage'), ...(limits.stage ? act('armTotalTimeout') : [])],
    ...(limits.stage && { exit: act('cancelTotalTimeout') }),
    // A wish, until the stage is at a point where nothing works.
    on: {
      PAUSE: { guard: given('mayPause'), actions: act('notePause') },
      RESUME: { guard: given('pauseAsked'), actions: resume },
      ...(limits.stage &&
        !total && {
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
      ...(hasGate && deciding(stage, edges, { total, beside: beside !== null })),
      ...working(stage, edges, { beside, total }),
      backingOff: {
        always: { guard: given('pauseAsked'), target: 'paused' },
        after: { [`backoff.${stage.name}`]: { target: 'attempting' } },
        on: {
          RETRY_NOW: { ...meant, target: 'attempting' },
          SKIP_STAGE: passOver('maySkip'),
          PAUSE: { target: 'paused', actions: act('notePause') },
          ...(total && { STAGE_TIMEOUT: { ...meant, ...giveUp } }),
        },
      },
      paused: {
        entry: [...act('sayPaused', beside ? 'holdBeside' : 'holdStage'), ...disarm],
        exit: [...act(beside ? 'releaseBeside' : 'releaseStage'), ...arm],
        on: {
          RESUME: hasGate
            ? [
                { guard: given('hasBegun'), target: 'attempting', actions: resume },
                { target: 'deciding', actions: resume },
              ]
            : { target: 'attempting', actions: resume },
          // Whoever paused the run has not resumed it: it stays paused, before the next stage.
          SKIP_STAGE: passOver('maySkip'),
        },
      },
      ...(beside && { over: { type: 'final', entry: disarm } }),
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
      ...(hook.when !== null && deciding(hook, edges, { total: hasTotal })),
      ...working(hook, edges, { beside: null, total: hasTotal }),
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
