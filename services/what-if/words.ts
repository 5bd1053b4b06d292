import { durationText } from '../../definition/duration.ts';
import type { Press, PressAnswer } from '../../wire/what-if.ts';
import type { EffectRow, TimerRow } from '../store/run-rows.ts';

/** What an effect is to a person. */
export const effectText = ({ kind, input, attempt }: EffectRow): string => {
  const stage = input.stage ?? 'the run';
  return {
    preflight: 'the check before the first stage',
    stage: `attempt ${attempt} of ${stage}`,
    verify: `the check of the files of ${stage}`,
    drain: `the end of every process of ${stage}`,
  }[kind];
};

const timerTexts: [prefix: string, text: (stage: string) => string][] = [
  ['xstate.after.backoff.', (stage) => `the wait before ${stage} is tried again`],
  ['xstate.after.attemptTimeout.', (stage) => `the timeout of the attempt of ${stage}`],
  ['xstate.after.attemptWarning.', (stage) => `warn_after of ${stage}`],
  ['xstate.after.verifyDeadline.', () => 'the deadline of the check of files'],
  ['xstate.after.preflightDeadline.', () => 'the deadline of the checks'],
  ['xstate.after.queueTimeout.', () => 'the timeout of the queue'],
  ['xstate.after.runWarning.', () => 'warn_after of the run'],
  ['STAGE_TIMEOUT.', (stage) => `total_timeout of ${stage}`],
  ['RUN_TIMEOUT', () => 'the timeout of the run'],
];
/** What a timer limits or waits for. Its name ends with the stage, or with the place of its state. */
export const timerText = ({ id }: Pick<TimerRow, 'id'>): string => {
  const [prefix, text] = timerTexts.find(([start]) => id.startsWith(start)) ?? ['', () => id];
  return text(id.slice(prefix.length).split('.')[0] ?? '');
};

const answers: Record<PressAnswer, string> = {
  done: 'succeeds',
  failed: 'fails',
  failed_for_good: 'fails for good',
  nothing_to_do: 'says that there is nothing to do',
  interrupted: 'is interrupted: service or machine were gone',
  silent: 'gives no sign of life',
};

/** An event as it is offered and told. */
export const pressText = (
  press: Press,
  effect: EffectRow | undefined,
  timer: TimerRow | undefined,
): string => {
  const after =
    'after_ms' in press && press.after_ms ? `after ${durationText(press.after_ms)} ` : '';
  if (press.kind === 'command') return `${after}somebody commands ${press.command}`;
  if (press.kind === 'timer') {
    const text = timer ? timerText(timer) : `timer ${press.timer}`;
    return `${text} is ${text.startsWith('the wait') ? 'over' : 'reached'}`;
  }
  const what = effect ? effectText(effect) : `effect ${press.effect}`;
  if (effect?.kind === 'drain')
    return `${after}no process of ${effect.input.stage ?? 'the run'} is left`;
  return `${after}${what} ${answers[press.answer]}`;
};
