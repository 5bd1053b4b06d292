import { nextTurn } from '../host/clock.ts';
import { initialOf } from '../interpreter/charts.ts';
import { type Delivery, decide, pathOf } from '../interpreter/decide.ts';
import type { Interpreted } from '../interpreter/lifecycle.ts';
import { projectSnapshot } from '../lifecycle/outlook.ts';
import { afterDecision } from '../store/after-decision.ts';
import { fenceOf } from '../store/fence.ts';
import type { LedgerRow, Loaded, RunRow, RunSpec } from '../store/run-rows.ts';
import { drainedBy, type Scene } from './presses.ts';

/** What a run was started with, and when. */
export type Started = RunSpec & Pick<RunRow, 'number' | 'createdAt'>;

/** A run that was accepted and has not moved. */
export const unmoved = ({ machine }: Pick<Interpreted, 'machine'>, of: Started): Loaded => {
  const { createdAt, definition } = of;
  const snapshot = initialOf(machine);
  const run: RunRow = {
    ...of,
    version: 0,
    ledgerN: 0,
    runSeq: 0,
    snapshot,
    projection: projectSnapshot(machine, snapshot),
    updatedAt: createdAt,
    endedAt: null,
    progress: null,
    lock: { key: definition.concurrency.key, since: createdAt },
  };
  return { run, effects: [], timers: [] };
};

/** Whose answer a recorded event was: the ledger keeps events, not fences. */
const fenceIn = (
  { effects, timers }: Loaded,
  { lifecycle }: Interpreted,
  { event: { at: _, ...event } }: LedgerRow,
): Delivery['fence'] => {
  const effect = effects.find(
    ({ id, state }) => state !== 'dropping' && 'actorId' in event && event.actorId === id,
  );
  if (effect) return fenceOf(effect);
  const text = JSON.stringify(event);
  const timer = timers.find(({ id }) => JSON.stringify(lifecycle.timers.eventOf(id)) === text);
  return timer ? { kind: 'timer', id: timer.id, stamp: timer.stamp } : null;
};

const replayed = (interpreted: Interpreted, loaded: Loaded, row: LedgerRow): Loaded => {
  const fence = fenceIn(loaded, interpreted, row);
  const answered = loaded.effects.find(
    ({ id, stamp }) => id === fence?.id && stamp === fence.stamp,
  );
  const before = answered ? drainedBy(loaded, answered) : loaded;
  const now = { wallMs: row.at, monotonicMs: row.at, bootId: '' };
  const { at: _, ...event } = row.event;
  return afterDecision(
    before,
    decide(
      interpreted,
      before,
      { event: event as Delivery['event'], fence, cause: row.cause },
      now,
    ),
  );
};

/** Decided between two turns of everybody else. */
const turn = 50;

/**
 * A run as it was after one of its steps: what its ledger holds, decided again from the beginning.
 * The snapshot of a step is stored; the effects and timers that lived then are not.
 * @throws Error where the chart broke on the way, and so nothing can be decided again
 */
export const sceneAt = async (
  interpreted: Interpreted,
  run: RunRow,
  accepted: readonly LedgerRow[],
): Promise<Scene> => {
  let loaded = unmoved(interpreted, run);
  for (const [index, row] of accepted.entries()) {
    if (index % turn === turn - 1) await nextTurn();
    loaded = replayed(interpreted, loaded, row);
    const { value } = loaded.run.snapshot as { value: unknown };
    if (pathOf(value) !== row.to) throw new Error(`version ${row.version} led to ${row.to}`);
  }
  const at = accepted.at(-1)?.at ?? run.createdAt;
  return { interpreted, loaded, now: { wallMs: at, monotonicMs: at, bootId: '' } };
};
