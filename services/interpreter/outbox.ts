import type { AnyMachineSnapshot } from 'xstate';
import type { NewEvent } from '../../wire/events.ts';
import type { EffectKind, EffectRow, Fence, Loaded, TimerRow } from '../store/run-rows.ts';
import type { Lifecycle } from './lifecycle.ts';

/** The instants of one step; the machine itself has no clock. */
export type Now = { wallMs: number; monotonicMs: number; bootId: string };
export type Outbox = {
  facts: NewEvent[];
  remove: Fence[];
  drop: Fence[];
  born: EffectRow[];
  disarm: Fence[];
  arm: TimerRow[];
};

type Action = { type: string; params?: unknown };
type Spawn = { id: string; src: string; input?: EffectRow['input'] };
type Raise = { id?: string; delay?: number };

/**
 * XState's returned actions as rows: the outbox of a step. The table of action types is closed;
 * anything else is a mistake in the chart, and silence about it would be a lost effect (T9).
 * @param fence the effect or timer whose answer caused this step; it is used up by it
 */
export const outboxOf = (
  actions: readonly Action[],
  next: AnyMachineSnapshot,
  { run, effects, timers }: Loaded,
  fence: Fence | null,
  now: Now,
  lifecycle: Pick<Lifecycle, 'effects' | 'timers'>,
): Outbox => {
  const stamp = run.version + 1;
  const live = new Map(
    effects.filter((row) => row.state !== 'dropping').map((row) => [row.id, row]),
  );
  const armed = new Map(timers.map((row) => [row.id, row]));
  const outbox: Outbox = { facts: [], remove: [], drop: [], born: [], disarm: [], arm: [] };

  const end = (id: string) => {
    const row = live.get(id);
    if (!row) return;
    live.delete(id);
    // What may have processes: its row goes only when it is proven that they are gone (T1).
    const list = lifecycle.effects.outlives(row.kind) ? outbox.drop : outbox.remove;
    list.push({ kind: 'effect', id, stamp: row.stamp });
  };
  const disarm = (id: string) => {
    const row = armed.get(id);
    if (row) outbox.disarm.push({ kind: 'timer', id, stamp: row.stamp });
    armed.delete(id);
    // A state that was only passed through has armed it in this very step.
    outbox.arm = outbox.arm.filter((one) => one.id !== id);
  };
  const born = ({ id, src, input = {} }: Spawn) => {
    const attempt = lifecycle.effects.attemptOf(next.context, input);
    const token = `${run.runId}.${stamp}.${id}`;
    const kind = src as EffectKind;
    outbox.born.push({
      runId: run.runId,
      id,
      stamp,
      kind,
      state: 'born',
      input,
      attempt,
      token,
      process: null,
      createdAt: now.wallMs,
      heartbeatAt: null,
      ending: null,
    });
  };
  const arm = ({ id, delay }: Raise) => {
    // An immediate raise was processed by XState already and is returned all the same.
    if (delay === undefined || id === undefined) return;
    const clock = lifecycle.timers.clockOf(id);
    const delayMs = Math.round(delay);
    const dueAt = (clock === 'wall' ? now.wallMs : now.monotonicMs) + delayMs;
    outbox.arm.push({ runId: run.runId, id, stamp, clock, dueAt, delayMs, bootId: now.bootId });
  };
  const table: Record<string, (params: never) => void> = {
    'xstate.spawnChild': born,
    'xstate.stopChild': (child: string | { id: string }) =>
      end(typeof child === 'string' ? child : child.id),
    'xstate.raise': arm,
    'xstate.cancel': ({ sendId }: { sendId: string }) => disarm(sendId),
    'xstate.emit': ({ event }: { event: { fact: NewEvent } }) => outbox.facts.push(event.fact),
  };

  if (fence?.kind === 'effect') {
    live.delete(fence.id);
    outbox.remove.push(fence);
  }
  if (fence?.kind === 'timer') disarm(fence.id);
  for (const action of actions) {
    const handle = table[action.type];
    if (!handle)
      throw new Error(`the chart has an action the interpreter does not know: ${action.type}`);
    handle(action.params as never);
  }
  for (const effect of outbox.born) live.set(effect.id, effect);
  assertAgrees(next, live);
  return outbox;
};

/** The table of effects and the children of the snapshot are two views of one fact. */
const assertAgrees = (next: AnyMachineSnapshot, live: Map<string, EffectRow>): void => {
  const children = next.status === 'active' ? Object.keys(next.children) : [];
  const difference = [
    ...children.filter((id) => !live.has(id)),
    ...[...live.keys()].filter((id) => !children.includes(id)),
  ];
  if (difference.length > 0)
    throw new Error(`effects and snapshot disagree about ${difference.join(', ')}`);
};
