import { createHash } from 'node:crypto';
import {
  type Actor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
  initialTransition,
} from 'xstate';
import type { ChartConfig } from '../../machines/chart-config.ts';
import type { RunSpec } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import type { Interpreted, Lifecycle } from './lifecycle.ts';

export type PinnedChart = {
  hash: string;
  config: ChartConfig;
  compilerVersion: number;
  machine: AnyStateMachine;
  initial: unknown;
};

/**
 * A run's stored chart cannot be executed by this version: it names something that no longer exists
 * (I12, T8).
 */
export class ChartNotSupported extends Error {}
/** The chart is not in memory yet; load it and decide again. */
export class ChartNotLoaded extends Error {
  readonly hash: string;
  constructor(hash: string) {
    super(`chart ${hash} is not loaded`);
    this.hash = hash;
  }
}

/** A few charts in use at a time; all others come back from the store. */
const maxCharts = 200;

export type Charts = {
  readonly lifecycle: Lifecycle;
  /**
   * Compiles today's definition; the hash names config and compiler, so a new compiler gives a new
   * chart.
   */
  pin(definition: RunSpec['definition']): PinnedChart;
  /** @throws ChartNotLoaded, ChartNotSupported */
  machine(hash: string): AnyStateMachine;
  load(hash: string): Promise<void>;
  /** @throws ChartNotSupported */
  loaded(hash: string): Promise<AnyStateMachine>;
};

export const createCharts = (store: Pick<Store, 'chart'>, lifecycle: Lifecycle): Charts => {
  const { compile, compilerVersion, machineOf } = lifecycle;
  const machines = new Map<string, AnyStateMachine | ChartNotSupported>();
  const keep = (hash: string, machine: AnyStateMachine | ChartNotSupported) => {
    if (machines.size >= maxCharts) machines.delete(machines.keys().next().value as string);
    machines.set(hash, machine);
  };
  const machine = (hash: string): AnyStateMachine => {
    const known = machines.get(hash);
    if (!known) throw new ChartNotLoaded(hash);
    if (known instanceof ChartNotSupported) throw known;
    return known;
  };
  const load = async (hash: string): Promise<void> => {
    const stored = await store.chart(hash);
    try {
      if (!stored) throw new Error('the chart is not in the store');
      keep(hash, machineOf(stored.config));
    } catch (error) {
      keep(hash, new ChartNotSupported(error instanceof Error ? error.message : String(error)));
    }
  };
  return {
    lifecycle,
    machine,
    load,
    loaded: async (hash) => {
      if (!machines.has(hash)) await load(hash);
      return machine(hash);
    },
    pin: (definition) => {
      const config = compile(definition);
      const hash = createHash('sha256')
        .update(`${compilerVersion}\n${JSON.stringify(config)}`)
        .digest('hex')
        .slice(0, 32);
      const machine = machineOf(config);
      keep(hash, machine);
      return {
        hash,
        config,
        compilerVersion,
        machine,
        initial: initialOf(machine),
      };
    },
  };
};

/**
 * The stored snapshot as XState works with it; the actor is never started. The context goes around
 * XState both ways: ours is JSON already, and looking through all of it for actors costs more than
 * the whole transition.
 */
export const reviveActor = (
  { machine, lifecycle }: Interpreted,
  stored: unknown,
  options: { inspect?: (seen: InspectionEvent) => void } = {},
): { actor: Actor<AnyStateMachine>; snapshot: AnyMachineSnapshot } => {
  const { context, ...rest } = stored as { context: unknown };
  const actor = createActor(machine, {
    ...options,
    snapshot: { ...rest, context: {} } as never,
  });
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
  return {
    actor,
    snapshot: Object.assign(snapshot, { context: lifecycle.contextOf(context) }),
  };
};
export const revive = (interpreted: Interpreted, stored: unknown): AnyMachineSnapshot =>
  reviveActor(interpreted, stored).snapshot;

/** Where a run begins, as it is stored. */
export const initialOf = (machine: AnyStateMachine): unknown =>
  persist(machine, initialTransition(machine)[0]);

/** A snapshot as it is stored: plain data. */
export const persist = (machine: AnyStateMachine, snapshot: AnyMachineSnapshot): unknown => ({
  ...machine.getPersistedSnapshot(
    Object.assign(Object.create(Object.getPrototypeOf(snapshot)), snapshot, { context: {} }),
  ),
  context: snapshot.context,
});
