import type {
  AnyActorScope,
  AnyMachineSnapshot,
  AnyTransitionDefinition,
  InspectionEvent,
} from 'xstate';
import type { InspectedGuard, InspectedTransition } from '../../wire/inspection.ts';
import { reviveActor } from './charts.ts';
import type { Interpreted, MachineEvent } from './lifecycle.ts';

type Asked = { type: string; params: unknown };
export type Microstep = {
  event: MachineEvent;
  value: unknown;
  /** Those that were taken, with the names that the chart gives them. */
  ways: InspectedTransition[];
  /** Guards of ways without an event: those that were asked for it, in their order. */
  guards: InspectedGuard[];
  /** What the chart asked for, in order, as XState resolved it. */
  actions: Asked[];
};

const nameOf = (one: unknown): string =>
  typeof one === 'object' && one !== null && 'type' in one ? String(one.type) : String(one);

const wayOf = (taken: AnyTransitionDefinition): InspectedTransition => ({
  source: taken.source.id,
  target: taken.target?.map(({ id }) => id) ?? null,
  eventType: taken.eventType,
  ...(taken.guard !== undefined && { guard: nameOf(taken.guard) }),
  actions: taken.actions.map(nameOf),
  reenter: taken.reenter,
});

/** Those before the one that was taken were asked first, and said no. */
const askedFor = (taken: AnyTransitionDefinition): InspectedGuard[] => {
  if (taken.eventType !== '')
    return taken.guard === undefined ? [] : [{ guard: nameOf(taken.guard), holds: true }];
  const ways = taken.source.always ?? [];
  return ways
    .slice(0, ways.indexOf(taken) + 1)
    .flatMap((way) =>
      way.guard === undefined ? [] : [{ guard: nameOf(way.guard), holds: way === taken }],
    );
};

/**
 * How a step went inside: which ways the chart took from this snapshot with this event. Nothing of
 * it is done; it only names what has been decided, so that a person can follow it.
 * @throws whatever the machine throws
 */
export const microstepsOf = (
  interpreted: Interpreted,
  stored: unknown,
  event: MachineEvent,
): Microstep[] => {
  const steps: Microstep[] = [];
  let actions: Asked[] = [];
  let isTold = false;
  const inspect = (seen: InspectionEvent): void => {
    if (!isTold || seen.type !== '@xstate.microstep') return;
    const { value } = seen.snapshot as AnyMachineSnapshot;
    steps.push({
      event: seen.event,
      value,
      ways: seen._transitions.map(wayOf),
      guards: seen._transitions.flatMap(askedFor),
      actions,
    });
    actions = [];
  };
  const { actor: self, snapshot: before } = reviveActor(interpreted, stored, { inspect });
  // What XState's pure function asks for, with a system that says which ways it takes.
  const scope: AnyActorScope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: self.system,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: ({ type, params }) => void actions.push({ type, params }),
  };
  isTold = true;
  interpreted.machine.transition(before, event, scope);
  return steps;
};
