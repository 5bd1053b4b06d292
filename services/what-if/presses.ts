import { allStages } from '../../definition/definition.ts';
import { commandSchema, eventOfCommand } from '../../machines/commands.ts';
import type { SentEvent } from '../../machines/context.ts';
import { commandTypes } from '../../wire/command-table.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Press, PressAnswer } from '../../wire/what-if.ts';
import type { Delivery } from '../interpreter/decide.ts';
import { dueIn } from '../interpreter/due-timers.ts';
import type { Interpreted } from '../interpreter/lifecycle.ts';
import type { Now } from '../interpreter/outbox.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectKind, EffectRow, Loaded, TimerRow } from '../store/run-rows.ts';
import { timerText } from './words.ts';

/** A run as it stands at an instant, apart from the store: nothing that is done to it moves it. */
export type Scene = { interpreted: Interpreted; loaded: Loaded; now: Now };
/** An event on its way, and the scene it comes to: time has passed, processes may be gone. */
type Coming = { delivery: Delivery; scene: Scene };

const answersOf: Record<EffectKind, readonly PressAnswer[]> = {
  preflight: ['done', 'failed'],
  stage: ['done', 'failed', 'failed_for_good', 'nothing_to_do', 'interrupted', 'silent'],
  verify: ['done', 'failed'],
  // It goes on until it holds.
  drain: ['done'],
};
const isLive = ({ state }: EffectRow): boolean => state !== 'dropping';

/** Every event that the world, the clock or a person may bring to a run that stands here. */
export const pressesOf = ({ effects, timers }: Loaded): Press[] => [
  ...effects
    .filter(isLive)
    .flatMap(({ id, kind }) =>
      answersOf[kind].map((answer): Press => ({ kind: 'answer', effect: id, answer })),
    ),
  ...timers.map(({ id }): Press => ({ kind: 'timer', timer: id })),
  ...commandTypes.map((command): Press => ({ kind: 'command', command })),
];

const failure = (kind: EffectKind, retryable: boolean): Failure => {
  if (kind === 'verify') return { code: 'missing-files', message: 'files are missing', retryable };
  if (kind === 'preflight') return { code: 'preflight', message: 'a check failed', retryable };
  return { code: 'exit-code', message: 'ended with exit code 1', retryable, exit_code: 1 };
};
const done = (id: string, output: unknown): SentEvent => ({
  type: `xstate.done.actor.${id}`,
  output,
  actorId: id,
});
const failed = (id: string, error: Failure): SentEvent => ({
  type: `xstate.error.actor.${id}`,
  error,
  actorId: id,
});

/** What the chart is told when an effect answers. */
export const answerEvent = (
  { id, kind, input }: Pick<EffectRow, 'id' | 'kind' | 'input'>,
  answer: PressAnswer,
  silentMs = 0,
): SentEvent => {
  // News of a stage name it: beside others, every one of them hears it.
  const of = input.stage === undefined ? {} : { stage: input.stage };
  const worked = { outputs: {}, metrics: {}, skipped: null, partial: null };
  switch (answer) {
    case 'done':
      return done(id, kind === 'stage' ? worked : {});
    case 'nothing_to_do':
      return done(id, { ...worked, skipped: 'nothing to do' });
    case 'failed':
      return failed(id, failure(kind, true));
    case 'failed_for_good':
      return failed(id, failure(kind, false));
    case 'interrupted':
      return { type: 'INTERRUPTED', message: 'the service was gone while it was running', ...of };
    case 'silent':
      return { type: 'HEARTBEAT_LATE', silent_ms: silentMs, ...of };
  }
};

/** The instant moved on; a timer that is due before comes first. */
const later = (scene: Scene, ms: number): Scene | string => {
  const { now, loaded } = scene;
  const first = loaded.timers
    .map((timer) => ({ timer, inMs: dueIn(timer, now) }))
    .filter(({ inMs }) => inMs < ms)
    .toSorted((a, b) => a.inMs - b.inMs)[0];
  if (first) return `before that, in ${first.inMs / 1000} s, comes ${timerText(first.timer)}`;
  return moved(scene, ms);
};
const moved = (scene: Scene, ms: number): Scene => {
  const { wallMs, monotonicMs, bootId } = scene.now;
  const now = { wallMs: wallMs + ms, monotonicMs: monotonicMs + ms, bootId };
  return { ...scene, now };
};

/** Whether a drain waits for the end of this effect: it is of one stage, or of the run. */
export const isEndedBy = (row: EffectRow, { kind, input }: EffectRow): boolean =>
  kind === 'drain' &&
  row.state === 'dropping' &&
  (input.stage === undefined || row.input.stage === input.stage);
/** A drain answers when nothing that it ends is left. */
export const drainedBy = (loaded: Loaded, answering: EffectRow): Loaded => ({
  ...loaded,
  effects: loaded.effects.filter((row) => !isEndedBy(row, answering)),
});

/** The effect or timer that is meant, of those that live. */
export const meantBy = (
  { effects, timers }: Loaded,
  press: Press,
): { effect: EffectRow | undefined; timer: TimerRow | undefined } => ({
  effect:
    press.kind === 'answer'
      ? effects.find((row) => row.id === press.effect && isLive(row))
      : undefined,
  timer: press.kind === 'timer' ? timers.find(({ id }) => id === press.timer) : undefined,
});

/** A pressed event as the interpreter takes it, or why there is none such here. */
export const comingOf = (scene: Scene, press: Press): Coming | string => {
  const { effect, timer } = meantBy(scene.loaded, press);
  if (press.kind === 'timer') {
    if (!timer) return `no timer ${press.timer} is armed here`;
    const { id, stamp } = timer;
    const event = scene.interpreted.lifecycle.timers.eventOf(id);
    const delivery: Delivery = {
      event,
      fence: { kind: 'timer', id, stamp },
      cause: { kind: 'timer' },
    };
    return { delivery, scene: moved(scene, Math.max(0, dueIn(timer, scene.now))) };
  }
  const then = later(scene, press.after_ms ?? 0);
  if (typeof then === 'string') return then;
  if (press.kind === 'command') {
    const { kind: _, after_ms: __, command: type, ...fields } = press;
    const command = commandSchema.safeParse({ type, ...fields });
    if (!command.success) return command.error.issues[0]?.message ?? 'the command does not fit';
    const event = eventOfCommand(command.data, 'somebody');
    return { delivery: { event, fence: null, cause: { kind: 'command' } }, scene: then };
  }
  if (!effect) return `no effect ${press.effect} works here`;
  if (!answersOf[effect.kind].includes(press.answer))
    return `${effect.id} cannot be ${press.answer}; it can be ${answersOf[effect.kind].join(', ')}`;
  const stage = allStages(scene.loaded.run.definition).find(
    ({ name }) => name === effect.input.stage,
  );
  if (press.answer === 'silent' && (stage?.heartbeatMs ?? null) === null)
    return `${effect.input.stage} has no heartbeat: its silence is not counted`;
  const event = answerEvent(effect, press.answer, stage?.heartbeatMs ?? 0);
  const delivery: Delivery = { event, fence: fenceOf(effect), cause: { kind: 'effect' } };
  return { delivery, scene: { ...then, loaded: drainedBy(then.loaded, effect) } };
};
