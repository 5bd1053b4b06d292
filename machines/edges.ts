import type { StageParams } from './context.ts';
import type { runGuards, stageGuards } from './guards.ts';
import type { runFacts } from './run-facts.ts';
import type { runSays, stageSays } from './says.ts';
import type { stageFacts } from './stage-facts.ts';

type StageActionName = keyof typeof stageFacts | keyof typeof stageSays;
type RunActionName = keyof typeof runFacts | keyof typeof runSays;
type GuardName = keyof typeof stageGuards | keyof typeof runGuards;
/** What ends an attempt that has not answered. */
type EndingName = Extract<keyof typeof stageFacts, `note${string}`>;
type TimerName =
  | `${'arm' | 'cancel'}${'Run' | 'Total'}Timeout`
  | 'restRun'
  | 'goOnRun'
  | 'sayResumedOnce';

type Named<Name, Params> = { [Place in keyof Name]: { type: Name[Place]; params: Params } };

/** A failure ends the run with everything in it. */
export const ofRun = { target: '#run.failing', note: 'failStage' } as const;

/**
 * The edges of one stage. On an edge the order matters, and it is kept here alone: what is said
 * stands before the assign that clears its cause, and after the one whose result it tells.
 * @param next where success leads
 * @param allows its failure leads there, too; that of a hook always does
 * @param failed where it leads that no attempt is left
 */
export const edgesOf = (
  stage: string,
  next: string,
  allows: 'nothing' | 'failure' | 'hook' = 'nothing',
  failed: { target: string; note: 'failStage' | 'failBeside' } = ofRun,
) => {
  const sayGoesOn = allows === 'hook' ? 'sayHookFailed' : 'sayAllowed';
  const params: StageParams = { stage };
  const act = <const Names extends readonly (StageActionName | RunActionName | TimerName)[]>(
    ...types: Names
  ) => types.map((type) => ({ type, params })) as unknown as Named<Names, StageParams>;
  const given = <const Name extends GuardName>(type: Name) => ({ type, params });
  return {
    act,
    given,
    /** The attempt has succeeded: the stage is over. */
    finish: (...first: 'keepAnswer'[]) => ({
      target: next,
      actions: [...act(...first), ...act('completeStage', 'saySucceeded')],
    }),
    /** The program says that there is nothing to do. */
    skipItself: {
      guard: given('wasSkipped'),
      target: next,
      actions: act('skipStage', 'saySkipped'),
    },
    /** Somebody says that the stage is over. */
    passOver: (guard: 'maySkip' | 'endsToSkip') => ({
      guard: given(guard),
      target: next,
      actions: act('sayPassedOver', 'passOver'),
    }),
    /** The attempt has failed, and another one follows. */
    retryAfter: (guard: 'canRetry' | 'canRetryEnded') => ({
      guard: given(guard),
      target: 'backingOff',
      actions: act('sayFailed', 'scheduleRetry', 'sayRetrying'),
    }),
    /** The attempt was lost by our fault: the next one costs no retry. */
    lose: {
      guard: given('mayContinue'),
      target: 'backingOff',
      actions: act('sayLost', 'scheduleContinuation', 'sayRetrying'),
    },
    /** No attempt is left: the failure becomes the run's, at once or with its group, or is allowed. */
    fail:
      allows === 'nothing'
        ? { target: failed.target, actions: act('sayFailed', failed.note) }
        : { target: next, actions: act('sayFailed', sayGoesOn, 'allowFailure') },
    /** A process may still live: nothing of the run goes on, whatever is allowed. */
    condemn:
      allows === 'hook'
        ? { target: '#run.sealing', actions: act('sayFailed', sayGoesOn, 'allowFailure') }
        : { target: '#run.failing', actions: act('sayFailed', 'failStage') },
    /** Between two attempts the total timeout is over. */
    giveUp:
      allows === 'nothing'
        ? { target: failed.target, actions: act('noteTotal', 'sayFailed', failed.note) }
        : { target: next, actions: act('noteTotal', sayGoesOn, 'allowFailure') },
    /** The attempt has to be ended first: leaving is not killing (T1). */
    end: <const Cause extends EndingName>(cause: Cause) => ({
      target: 'ending',
      actions: act(cause),
    }),
  };
};
