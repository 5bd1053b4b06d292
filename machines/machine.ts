import {
  type AnyStateMachine,
  assign,
  cancel,
  emit,
  enqueueActions,
  fromPromise,
  raise,
  setup,
} from 'xstate';
import type { ChartConfig } from './compile.ts';
import type { RunContext, RunEvent } from './context.ts';
import { assigns } from './facts.ts';
import { guardTable } from './guards.ts';
import { closings, says } from './says.ts';

type Args = { context: RunContext; event: RunEvent };
type P = { stage: string };

/**
 * An effect is started by the interpreter after its commit; the machine only names it and is never
 * run live.
 */
const named = fromPromise<unknown, unknown>(() =>
  Promise.reject(new Error('effects belong to the interpreter')),
);

const delays = {
  attemptTimeout: ({ context }: Args) => context.policy[context.stage ?? '']?.timeoutMs ?? 0,
  attemptWarning: ({ context }: Args) => context.policy[context.stage ?? '']?.warnAfterMs ?? 0,
  runWarning: ({ context }: Args) => context.runWarnAfterMs ?? 0,
  queueTimeout: ({ context }: Args) => context.queueTimeoutMs ?? 0,
  backoff: ({ context }: Args) => context.backoffMs,
  // Charts of compiler version 1 time a run by `after`.
  runTimeout: ({ context }: Args) => context.runTimeoutMs ?? 0,
  preflightDeadline: () => 30_000,
  verifyDeadline: () => 60_000,
};

/**
 * Timers with a name of their own. The name is the id and the event, so that the row of the timer
 * says all there is.
 */
const limits = {
  RunTimeout: { id: 'RUN_TIMEOUT', delay: ({ context }: Args) => context.runLimit?.leftMs ?? 0 },
  StageTimeout: {
    id: 'STAGE_TIMEOUT',
    delay: ({ context }: Args) => context.stageLimit?.leftMs ?? 0,
  },
};

// XState's types cannot follow implementations made from tables; the names are checked by its own
// development build.
const implementations = {
  actors: { stage: named, verify: named, drain: named, preflight: named },
  delays,
  guards: Object.fromEntries(Object.entries(guardTable).map(([name, { test }]) => [name, test])),
  actions: {
    ...Object.fromEntries(
      Object.entries(assigns).map(([name, change]) => [
        name,
        assign((args, params) =>
          (change as (a: Args, p: P) => Partial<RunContext>)(
            args as unknown as Args,
            params as unknown as P,
          ),
        ),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(limits).flatMap(([name, { id, delay }]) => [
        [
          `arm${name}`,
          raise({ type: id }, { id, delay: (args: unknown) => delay(args as Args) } as never),
        ],
        [`cancel${name}`, cancel(id)],
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(says).map(([name, say]) => [
        name,
        emit((args, params) => ({
          type: 'journal',
          fact: say(args as unknown as Args, params as unknown as P),
        })),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(closings).map(([name, say]) => [
        name,
        enqueueActions(({ context, event, enqueue }) => {
          const fact = say({ context, event } as unknown as Args);
          if (fact) enqueue.emit({ type: 'journal', fact } as never);
        }),
      ]),
    ),
  },
};

/**
 * The machine of a stored chart: its config plus today's named implementations.
 * @throws when the config names something that no longer exists, or is no chart
 */
export const machineOf = (config: ChartConfig): AnyStateMachine => {
  assertNamesKnown(config);
  // maxIterations: an `always` loop throws instead of freezing the service (T3).
  return setup(implementations as never).createMachine({
    ...config,
    options: { maxIterations: 1000 },
  } as never) as unknown as AnyStateMachine;
};

/** XState ignores unknown names until they are used; a run must know before it starts (I12). */
const assertNamesKnown = (config: ChartConfig): void => {
  const missing = new Set<string>();
  const check = (known: Record<string, unknown>, name: unknown) => {
    if (typeof name === 'string' && !Object.hasOwn(known, name)) missing.add(name);
  };
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) walk(item);
    else if (node && typeof node === 'object') {
      for (const [key, value] of Object.entries(node)) {
        if (key === 'context' || key === 'meta') continue;
        if (key === 'states') {
          // The keys in here are names that people gave: a stage may be called `after`.
          walk(Object.values(value as object));
          continue;
        }
        if (key === 'src') check(implementations.actors, value);
        if (key === 'guard') check(implementations.guards, (value as { type?: unknown }).type);
        if ((key === 'actions' || key === 'entry' || key === 'exit') && Array.isArray(value))
          for (const action of value)
            check(implementations.actions, (action as { type?: unknown }).type);
        if (key === 'after' && value && typeof value === 'object')
          for (const name of Object.keys(value)) check(delays, name);
        walk(value);
      }
    }
  };
  walk(config);
  if (missing.size > 0) throw new Error(`this version does not know: ${[...missing].join(', ')}`);
};
