import {
  type AnyStateMachine,
  type AnyStateNode,
  assign,
  cancel,
  emit,
  enqueueActions,
  fromPromise,
  raise,
  setup,
} from 'xstate';
import type { NewEvent } from '../wire/events.ts';
import type { ChartConfig } from './chart-config.ts';
import type { Args, Limit, RunContext, RunEvent, StageParams } from './context.ts';
import { factsOf, policyOf, rested } from './facts.ts';
import { runGuards, stageGuards } from './guards.ts';
import { isAtRest, runFacts } from './run-facts.ts';
import { closings, runSays, stageSays } from './says.ts';
import { stageFacts } from './stage-facts.ts';
import { idOfTotal } from './timer-ids.ts';

/** What a chart says to the journal. */
type Said = { type: 'journal'; fact: NewEvent };
type Meta = { title?: string | null; stage?: string; group?: string };
/** The name of what is asked for in most places, where a stage's name comes with it or not. */
type MaybeStage = StageParams | undefined;

/** The table with another value in each row, under the same names: they are what types a chart. */
const each = <Name extends string, From, To>(
  table: Record<Name, From>,
  make: (row: From) => To,
): Record<Name, To> =>
  Object.fromEntries(Object.entries<From>(table).map(([name, row]) => [name, make(row)])) as Record<
    Name,
    To
  >;

type Test<Params> = { test: (args: Args, params: Params) => boolean };
type Change<Params> = (args: Args, params: Params) => Partial<RunContext>;
type Say<Params> = (args: Args, params: Params) => NewEvent;
const changing = <Params extends MaybeStage>(change: Change<Params>) =>
  assign<RunContext, RunEvent, Params, RunEvent, never>(change);
const saying = <Params extends MaybeStage>(say: Say<Params>) =>
  emit<RunContext, RunEvent, Params, RunEvent, Said>((args, params) => ({
    type: 'journal',
    fact: say(args, params),
  }));

/**
 * An effect is started by the interpreter after its commit; the machine only names it and is never
 * run live.
 */
const effect = <Input>() =>
  fromPromise<unknown, Input>(() => Promise.reject(new Error('effects belong to the interpreter')));

/**
 * How long the waits of a stage are. XState tells a delay neither stage nor state, so that its name
 * has to: `backoff.analyzer`.
 */
const stageDelays = {
  attemptTimeout: (context: RunContext, stage: string) => policyOf(context, stage).timeoutMs,
  attemptWarning: (context: RunContext, stage: string) => policyOf(context, stage).warnAfterMs ?? 0,
  backoff: (context: RunContext, stage: string) => factsOf(context, stage).backoffMs,
  approvalDeadline: (context: RunContext, stage: string) =>
    policyOf(context, stage).approval?.deadlineMs ?? 0,
};
/** Charts of compiler versions 1 and 2 wait in one stage at a time, which need not be named. */
const ofCurrent =
  (delay: (context: RunContext, stage: string) => number) =>
  ({ context }: Args) =>
    delay(context, context.stage ?? '');

/**
 * All that a chart may name. What is compiled today can name nothing else; of a stored chart of
 * another version it is asked when it is read.
 */
const lifecycle = setup({
  types: {
    context: {} as RunContext,
    events: {} as RunEvent,
    emitted: {} as Said,
    meta: {} as Meta,
  },
  actors: {
    preflight: effect<MaybeStage>(),
    stage: effect<StageParams>(),
    verify: effect<StageParams>(),
    drain: effect<MaybeStage>(),
  },
  delays: {
    ...each(stageDelays, ofCurrent),
    runWarning: ({ context }) => context.runWarnAfterMs ?? 0,
    queueTimeout: ({ context }) => context.queueTimeoutMs ?? 0,
    // Charts of compiler version 1 time a run by `after`.
    runTimeout: ({ context }) => context.runTimeoutMs ?? 0,
    preflightDeadline: () => 30_000,
    verifyDeadline: () => 60_000,
  },
  guards: {
    ...each(stageGuards, ({ test }: Test<StageParams>) => test),
    ...each(runGuards, ({ test }: Test<MaybeStage>) => test),
  },
  actions: {
    ...each(stageFacts, (change: Change<StageParams>) => changing(change)),
    ...each(runFacts, (change: Change<MaybeStage>) => changing(change)),
    ...each(stageSays, (say: Say<StageParams>) => saying(say)),
    ...each(runSays, (say: Say<MaybeStage>) => saying(say)),
    ...each(closings, (say: (context: RunContext, stage: string) => NewEvent) =>
      enqueueActions<RunContext, RunEvent, MaybeStage, RunEvent, never, never, never, never, Said>(
        ({ context, enqueue }) => {
          for (const stage of context.order)
            if (context.stages[stage]?.attemptOpen)
              enqueue.emit({ type: 'journal', fact: say(context, stage) });
        },
      ),
    ),
    // Timers with a name of their own, because they stand still while the run is paused. The name
    // is the id of the timer, which says what event it becomes.
    armRunTimeout: raise(
      { type: 'RUN_TIMEOUT', at: 0 },
      { id: 'RUN_TIMEOUT', delay: ({ context }) => context.runLimit?.leftMs ?? 0 },
    ),
    cancelRunTimeout: cancel('RUN_TIMEOUT'),
    armTotalTimeout: enqueueActions<
      RunContext,
      RunEvent,
      StageParams,
      RunEvent,
      never,
      never,
      never,
      never,
      never
    >(({ context, enqueue }, { stage }) => {
      const delay = factsOf(context, stage).limit?.leftMs ?? 0;
      enqueue.raise({ type: 'STAGE_TIMEOUT', at: 0, stage }, { id: idOfTotal(stage), delay });
    }),
    cancelTotalTimeout: cancel<RunContext, RunEvent, StageParams, RunEvent>((_, { stage }) =>
      idOfTotal(stage),
    ),
    // Beside each other, the last stage that is paused stops the run's limit, and the first that goes
    // on starts it.
    restRun: enqueueActions<
      RunContext,
      RunEvent,
      StageParams,
      RunEvent,
      never,
      never,
      never,
      never,
      never
    >(({ context, event, enqueue }, { stage }) => {
      const { runLimit } = context;
      if (!runLimit || runLimit.rests || !isAtRest(context, stage)) return;
      enqueue.assign({ runLimit: { ...(rested(runLimit, event.at) as Limit), rests: true } });
      enqueue.cancel('RUN_TIMEOUT');
    }),
    goOnRun: enqueueActions<
      RunContext,
      RunEvent,
      StageParams,
      RunEvent,
      never,
      never,
      never,
      never,
      never
    >(({ context, event, enqueue }) => {
      const { runLimit } = context;
      if (!runLimit?.rests) return;
      enqueue.assign({ runLimit: { leftMs: runLimit.leftMs, armedAt: event.at } });
      enqueue.raise({ type: 'RUN_TIMEOUT', at: 0 }, { id: 'RUN_TIMEOUT', delay: runLimit.leftMs });
    }),
    /** Every stage that was paused is told; it is said once. */
    sayResumedOnce: enqueueActions<
      RunContext,
      RunEvent,
      StageParams,
      RunEvent,
      never,
      never,
      never,
      never,
      Said
    >(({ context, event, enqueue }) => {
      if (context.pause)
        enqueue.emit({ type: 'journal', fact: runSays.sayResumed({ context, event }) });
    }),
    // Of charts of compiler version 2: one stage at a time.
    armStageTimeout: raise(
      { type: 'STAGE_TIMEOUT', at: 0 },
      {
        id: 'STAGE_TIMEOUT',
        delay: ({ context }, { stage }: StageParams) => factsOf(context, stage).limit?.leftMs ?? 0,
      },
    ),
    cancelStageTimeout: cancel('STAGE_TIMEOUT'),
  },
});

type StageDelays = Record<`${keyof typeof stageDelays}.${string}`, (args: Args) => number>;
/** And the delays of each of its stages. */
const withStages = (stages: readonly string[]) =>
  lifecycle.extend({
    delays: Object.fromEntries(
      stages.flatMap((stage) =>
        Object.entries(stageDelays).map(([name, delay]) => [
          `${name}.${stage}`,
          ({ context }: Args) => delay(context, stage),
        ]),
      ),
    ) as StageDelays,
  });

/** A chart as it may be written: XState's own type, with the names of above in it. */
export type Chart = Parameters<ReturnType<typeof withStages>['createMachine']>[0];
export type StageChart = NonNullable<Chart['states']>[string];

/**
 * The machine of a stored chart: its config plus today's named implementations.
 * @throws when the config names something that no longer exists, or is no chart
 */
export const machineOf = (config: ChartConfig): AnyStateMachine => {
  // maxIterations: an `always` loop throws instead of freezing the service (T3).
  const chart = { ...(config as Chart), options: { maxIterations: 1000 } };
  const { order } = config.context as RunContext;
  const machine = withStages(order).createMachine(chart);
  assertNamesKnown(machine);
  return machine;
};

/** XState looks for a name when it is used; a run must know before it starts (I12). */
const assertNamesKnown = ({ root, implementations }: AnyStateMachine): void => {
  const nodes = (node: AnyStateNode): AnyStateNode[] => [
    node,
    ...Object.values(node.states).flatMap(nodes),
  ];
  const missing = nodes(root).flatMap(({ entry, exit, transitions, always, after, invoke }) => {
    const ways = [...[...transitions.values()].flat(), ...(always ?? [])];
    return [
      ...unknownIn(implementations.actions, [entry, exit, ways.map(({ actions }) => actions)]),
      ...unknownIn(implementations.guards, [ways.map(({ guard }) => guard)]),
      ...unknownIn(implementations.actors, [invoke.map(({ src }) => src)]),
      ...unknownIn(implementations.delays, [after.map(({ delay }) => delay)]),
    ];
  });
  if (missing.length > 0)
    throw new Error(`this version does not know: ${[...new Set(missing)].join(', ')}`);
};
const unknownIn = (known: object, used: unknown[]): string[] =>
  used
    .flat(2)
    .map((one) => (typeof one === 'object' && one && 'type' in one ? one.type : one))
    .filter((name) => typeof name === 'string' && !Object.hasOwn(known, name)) as string[];
