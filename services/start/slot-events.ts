import type { NewEvent } from '../../wire/events.ts';
import type { SlotClaim } from '../store/slot-store.ts';

const iso = (at: number): string => new Date(at).toISOString();
/** From here on a fired slot is called late. */
const lateMs = 10_000;

export type SlotOf = { scheduleId: string; backfill: string; slot: number };
export const dataOf = ({ scheduleId, backfill, slot }: SlotOf) => ({
  schedule: scheduleId,
  slot: iso(slot),
  ...(backfill && { backfill }),
});

export const firedEvent = (claim: SlotClaim, runId: string): NewEvent => {
  const { delayMs, firing } = claim;
  const isLate = firing === 'due' && delayMs >= lateMs;
  const made = claim.backfill ? ', a slot of a backfill' : ', a missed slot that is made up for';
  const how =
    firing === 'made-up'
      ? made
      : firing === 'turn'
        ? `, whose turn it was after ${Math.round(delayMs / 1000)} s`
        : isLate
          ? `, ${Math.round(delayMs / 1000)} s late`
          : '';
  return {
    stage: 'scheduler',
    event: 'fired',
    severity: isLate ? 'warning' : 'info',
    msg: `schedule ${claim.scheduleId} fired for ${iso(claim.slot)}${how}`,
    data: { ...dataOf(claim), run_id: runId, late_ms: firing === 'made-up' ? null : delayMs },
  };
};

/**
 * A slot that starts no run although it was due: skipped by a rule, blocked by a policy, or refused
 * as impossible.
 */
export const notRunEvent = (
  of: SlotOf,
  decision: 'skipped' | 'blocked' | 'refused',
  why: string,
  policy: string,
  would: string,
  runId: string | null = null,
): NewEvent => {
  const rest = {
    stage: 'scheduler',
    msg: `the slot ${iso(of.slot)} of schedule ${of.scheduleId} was ${decision}: ${why}`,
  };
  const data = { ...dataOf(of), why, policy, would, ...(runId && { run_id: runId }) };
  if (decision === 'blocked') return { ...rest, event: 'blocked', severity: 'warning', data };
  if (decision === 'refused') return { ...rest, event: 'refused', severity: 'error', data };
  return { ...rest, event: 'skipped', severity: 'info', data };
};
