import { type AnyMachineSnapshot, type AnyStateMachine, getNextTransitions } from 'xstate';
import { eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { RunEvent, StageParams } from '../../machines/context.ts';
import { type Judged, judge } from '../../machines/guards.ts';
import { type Projection, project } from '../../machines/project.ts';
import { type CommandType, commandTypeSchema } from '../../wire/status.ts';
import { revive } from './charts.ts';

/**
 * Each guard that was asked, and what it said: the ledger's "why this way". They are asked here once;
 * an event is possible where a way has no guard, or one that holds.
 */
export const judged = (
  snapshot: AnyMachineSnapshot,
  event: RunEvent,
): { guards: Judged[]; isPossible: boolean } => {
  const ways = getNextTransitions(snapshot).filter(({ eventType }) => eventType === event.type);
  const guards = ways.flatMap(({ guard }) => {
    if (!guard) return [];
    const { type, params } = guard as { type: string; params: StageParams };
    return [judge(type, { context: snapshot.context, event }, params)];
  });
  return { guards, isPossible: guards.length < ways.length || guards.some(({ holds }) => holds) };
};

/**
 * A failed or stopped run is retried by a new run, so its own chart, which has ended, is not asked.
 */
const mayRetryFrom = (snapshot: AnyMachineSnapshot): boolean =>
  snapshot.value === 'failed' || snapshot.value === 'stopped';

const plainEvent = (type: CommandType): RunEvent => ({
  ...eventOfCommand(plainCommands[type], ''),
  at: 0,
});
const isPossible = (snapshot: AnyMachineSnapshot, type: CommandType): boolean =>
  type === 'RETRY_FROM'
    ? mayRetryFrom(snapshot)
    : snapshot.status === 'active' && judged(snapshot, plainEvent(type)).isPossible;

/** The commands that are legal in a snapshot. */
export const allowedIn = (snapshot: AnyMachineSnapshot): CommandType[] =>
  commandTypeSchema.options.filter((type) => isPossible(snapshot, type));

/**
 * Why an event is not possible: the sentence of the guard that refuses, or where the run stands.
 */
export const whyNot = (
  snapshot: AnyMachineSnapshot,
  event: RunEvent,
  state: string,
  why: string,
  guards: Judged[],
): string => {
  const failed = guards.find(({ holds }) => !holds);
  if (failed) return failed.why();
  if (event.type === 'RETRY_FROM' && snapshot.status === 'active')
    return `a new run is made of one that has ended, and this one is ${state}`;
  return `not possible while ${state}: ${why}`;
};

/** What a snapshot shows, with the commands that are legal in it. */
export const projectSnapshot = (machine: AnyStateMachine, snapshot: unknown): Projection => {
  const revived = revive(machine, snapshot);
  return project(revived, allowedIn(revived));
};

/** Every command and what it would meet; null = it is possible. */
export const outlook = (
  machine: AnyStateMachine,
  stored: unknown,
  { state, why }: Projection,
): Record<CommandType, string | null> => {
  const snapshot = revive(machine, stored);
  const judgements = commandTypeSchema.options.map((type): [CommandType, string | null] => {
    if (type === 'RETRY_FROM' && mayRetryFrom(snapshot)) return [type, null];
    const event = plainEvent(type);
    const { guards, isPossible } = judged(snapshot, event);
    if (isPossible && snapshot.status === 'active') return [type, null];
    return [type, whyNot(snapshot, event, state, why, guards)];
  });
  return Object.fromEntries(judgements) as Record<CommandType, string | null>;
};
