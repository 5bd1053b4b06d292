import type { Decision, Loaded, RunRow } from './run-rows.ts';

type Row = { id: string; stamp: number };
/** Whether one of these rows is meant. */
export const isOneOf =
  (rows: readonly Row[]) =>
  ({ id, stamp }: Row): boolean =>
    rows.some((row) => row.id === id && row.stamp === stamp);

const rowAfter = (run: RunRow, { at, ledger, next, events }: Decision): RunRow => ({
  ...run,
  version: ledger.version,
  ledgerN: run.ledgerN + 1,
  runSeq: run.runSeq + events.length,
  ...(next && {
    snapshot: next.snapshot,
    projection: next.projection,
    updatedAt: at,
    endedAt: next.ended ? at : null,
  }),
  ...(next?.begins && { progress: null }),
});

/**
 * What a decision makes of the rows of a run, as a value. The lock is free once the run has ended and
 * nothing of it works.
 */
export const afterDecision = ({ run, effects, timers }: Loaded, decision: Decision): Loaded => {
  const { remove, drop, born, disarm, arm, next } = decision;
  const isRemoved = isOneOf(remove);
  const isDropped = isOneOf(drop);
  const isDisarmed = isOneOf(disarm);
  const left = effects
    .filter((row) => !isRemoved(row))
    .map((row) => (isDropped(row) ? { ...row, state: 'dropping' as const } : row))
    .concat(born);
  const isFree = next?.freesLock === true && !left.some(({ kind }) => kind === 'stage');
  const after = rowAfter(run, decision);
  return {
    run: isFree ? { ...after, lock: null } : after,
    effects: left,
    timers: timers.filter((row) => !isDisarmed(row)).concat(arm),
  };
};
