import { type AnyMachineSnapshot, type AnyStateMachine, getNextTransitions } from 'xstate';
import { eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { RunEvent } from '../../machines/context.ts';
import { type GuardName, guardTable, whyNotHeld } from '../../machines/guards.ts';
import { type Projection, project } from '../../machines/project.ts';
import type { CommandType } from '../../wire/command-table.ts';
import { commandTypeSchema } from '../../wire/status.ts';
import type { LedgerRow } from '../store/run-rows.ts';
import { revive } from './charts.ts';

/** Each guard that was asked, and what it said: the ledger's "why this way". */
export const judgeGuards = (snapshot: AnyMachineSnapshot, event: RunEvent): LedgerRow['guards'] =>
  getNextTransitions(snapshot).flatMap(({ eventType, guard }) => {
    if (eventType !== event.type || !guard) return [];
    const { type, params } = guard as { type: GuardName; params: { stage: string } };
    return [
      {
        guard: type,
        holds: guardTable[type].test({ context: snapshot.context, event } as never, params),
      },
    ];
  });

/**
 * A failed or stopped run is retried by a new run, so its own chart, which has ended, is not asked.
 */
const mayRetryFrom = (snapshot: AnyMachineSnapshot): boolean =>
  snapshot.value === 'failed' || snapshot.value === 'stopped';

const isPossible = (snapshot: AnyMachineSnapshot, type: CommandType): boolean =>
  type === 'RETRY_FROM'
    ? mayRetryFrom(snapshot)
    : snapshot.can({ ...eventOfCommand(plainCommands[type], ''), at: 0 });

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
  guards: LedgerRow['guards'],
): string => {
  const failed = guards.find(({ holds }) => !holds);
  if (failed) return whyNotHeld(failed.guard as GuardName, snapshot.context, event);
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
  const judged = commandTypeSchema.options.map((type): [CommandType, string | null] => {
    if (isPossible(snapshot, type)) return [type, null];
    const event = { ...eventOfCommand(plainCommands[type], ''), at: 0 } as RunEvent;
    return [type, whyNot(snapshot, event, state, why, judgeGuards(snapshot, event))];
  });
  return Object.fromEntries(judged) as Record<CommandType, string | null>;
};
