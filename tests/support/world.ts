import type { PipelineDefinition } from '../../definition/definition.ts';
import { type Command, eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { RunContext } from '../../machines/context.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { Decision, EffectRow, Loaded } from '../../services/store/run-rows.ts';
import type { Failure } from '../../wire/failure.ts';
import { admitted, applied, decided, type Model } from './model.ts';

const asked: Command[] = [
  ...Object.values(plainCommands),
  { type: 'SKIP_STAGE', outputs: { n: 1 } },
];
/** Where several stages fit, one is named. */
const askedOf = (definition: PipelineDefinition): Command[] => [
  ...asked,
  ...(definition.groups ?? []).flatMap(({ stages }) =>
    stages.flatMap((stage): Command[] => [
      { type: 'RETRY_NOW', stage },
      { type: 'SKIP_STAGE', stage },
      { type: 'SKIP_STAGE', stage, outputs: { n: 1 } },
    ]),
  ),
];
const failure = (retryable: boolean, code = 'exit-code'): Failure => ({
  code,
  message: `${code}`,
  retryable,
});
const fenceOf = (row: { id: string; stamp: number }, kind: 'effect' | 'timer') =>
  ({ kind, id: row.id, stamp: row.stamp }) as const;

/**
 * Everything the world can say to a run that stands here: each answer of each effect, each timer,
 * each command.
 */
export const possible = ({ run, effects, timers }: Loaded, withStuck: boolean): Delivery[] => {
  const list: Delivery[] = [];
  const tell = (
    event: Delivery['event'],
    fence: Delivery['fence'],
    kind: Delivery['cause']['kind'],
  ) => list.push({ event, fence, cause: { kind } });
  const done = (row: EffectRow, output: unknown) =>
    tell(
      { type: `xstate.done.actor.${row.id}`, output, actorId: row.id },
      fenceOf(row, 'effect'),
      'effect',
    );
  const error = (row: EffectRow, what: Failure) =>
    tell(
      { type: `xstate.error.actor.${row.id}`, error: what, actorId: row.id },
      fenceOf(row, 'effect'),
      'effect',
    );
  /** News of a stage name it. */
  const news = (
    row: EffectRow,
    event: Delivery['event'],
    kind: Delivery['cause']['kind'],
    stage = row.input.stage,
  ) => tell(stage === undefined ? event : { ...event, stage }, fenceOf(row, 'effect'), kind);
  /** Of each attempt that the drain waits for, as the watchdog tells it. */
  const late = (row: EffectRow, event: Delivery['event']): void => {
    const waited = effects.filter(({ state }) => state === 'dropping');
    for (const { input } of waited)
      if ((row.input.stage ?? input.stage) === input.stage)
        news(row, event, 'watchdog', input.stage);
  };
  for (const row of effects.filter(({ state }) => state !== 'dropping')) {
    if (row.kind === 'drain') {
      // A drain answers only after every dropping row of its stage, or of the run, is forgotten;
      // `drained` below does that.
      done(row, {});
      if (withStuck) late(row, { type: 'DRAIN_LATE', pids: [7] });
      continue;
    }
    done(row, row.kind === 'stage' ? { outputs: {}, metrics: {}, skipped: null } : {});
    if (row.kind === 'preflight' && row.input.stage) done(row, { skipped: 'x is 1, not 2' });
    error(row, failure(true));
    error(row, failure(false));
    if (row.kind !== 'stage') continue;
    done(row, { outputs: {}, metrics: {}, skipped: 'nothing new' });
    error(row, failure(true, 'interrupted'));
    news(row, { type: 'INTERRUPTED', message: 'gone' }, 'recovery');
    news(row, { type: 'HEARTBEAT_LATE', silent_ms: 1 }, 'watchdog');
  }
  // What was dropped may still speak, until its drain has proven that it is gone.
  for (const row of effects.filter(({ state }) => state === 'dropping')) {
    done(row, { outputs: { late: true }, metrics: {}, skipped: null });
    news(row, { type: 'INTERRUPTED', message: 'gone' }, 'recovery');
  }
  for (const row of timers) tell(eventOfTimer(row.id), fenceOf(row, 'timer'), 'timer');
  for (const command of askedOf(run.definition))
    tell(eventOfCommand(command, 'test'), null, 'command');
  if (withStuck) tell({ type: 'RELEASE', reason: 'dead disk', by: 'test' }, null, 'command');
  tell({ type: 'FAULT', code: 'chart-fault', message: 'broken', during: 'test' }, null, 'effect');
  tell(
    { type: 'xstate.done.actor.nobody', output: null, actorId: 'nobody' },
    { kind: 'effect', id: 'nobody', stamp: 1 },
    'effect',
  );
  return list;
};

/** A drain has answered: what it waited for is gone. */
export const drained = (loaded: Loaded, { fence, event }: Delivery): Loaded => {
  const drain = loaded.effects.find((row) => row.id === fence?.id && row.kind === 'drain');
  if (!drain || !event.type.startsWith('xstate.done')) return loaded;
  const { stage } = drain.input;
  const isGone = ({ state, input }: EffectRow): boolean =>
    state === 'dropping' && (stage === undefined || stage === input.stage);
  return { ...loaded, effects: loaded.effects.filter((row) => !isGone(row)) };
};

/** States are one when they differ in nothing but instants and counters of steps. */
const keyOf = ({ run, effects, timers }: Loaded): string => {
  const { value, context } = run.snapshot as { value: unknown; context: RunContext };
  const stages = Object.values(context.stages).map(({ state, attempt, interruptions }) => [
    state,
    attempt,
    Math.min(interruptions, 2),
  ]);
  return JSON.stringify([
    value,
    stages,
    Object.values(context.stages).map(({ attemptOpen, ending }) => [attemptOpen, ending?.kind]),
    context.pause !== null,
    context.error?.code,
    context.stuck !== null,
    Object.values(context.stages).map(({ stuck }) => (stuck ?? null) !== null),
    context.runLimit?.rests ?? false,
    effects.map(({ id, state }) => [id, state]),
    timers.map(({ id }) => id),
  ]);
};

export type Edge = {
  from: Loaded;
  delivery: Delivery;
  decision: Decision;
  to: Loaded;
  events: Decision['events'];
};

/**
 * Walks every reachable transition breadth first; interruptions are cut off, they may repeat for
 * ever.
 */
export const explore = (
  model: Model,
  { maxInterruptions, withStuck }: { maxInterruptions: number; withStuck: boolean },
  visit: (edge: Edge) => void,
): number => {
  const start = applied(model.fresh, decided(model, model.fresh, admitted, 1));
  const first = decided(model, model.fresh, admitted, 1).events;
  const seen = new Set<string>([keyOf(start)]);
  const queue: { at: Loaded; events: Decision['events']; depth: number }[] = [
    { at: start, events: first, depth: 1 },
  ];
  let edges = 0;
  for (let item = queue.shift(); item; item = queue.shift()) {
    const interruptions = Object.values(
      (item.at.run.snapshot as { context: RunContext }).context.stages,
    ).map((one) => one.interruptions);
    for (const delivery of possible(item.at, withStuck)) {
      const from = drained(item.at, delivery);
      const decision = decided(model, from, delivery, item.depth * 1000);
      const to = applied(from, decision);
      const events = [...item.events, ...decision.events];
      edges += 1;
      visit({ from, delivery, decision, to, events });
      if (seen.has(keyOf(to)) || Math.max(...interruptions) > maxInterruptions) continue;
      seen.add(keyOf(to));
      queue.push({ at: to, events, depth: item.depth + 1 });
    }
  }
  return edges;
};
