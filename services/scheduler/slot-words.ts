import { paramsOfSlot } from '../../definition/slot-params.ts';
import type { NewEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import { slotTimes } from '../store/slot-of-run.ts';
import type { SlotClaim, SlotRow } from '../store/slot-store.ts';
import type { Schedule } from './schedule-registry.ts';

/** From here on a fired slot is called late. */
const lateMs = 10_000;

/** The parameters of the run of a slot. */
export const paramsFor = ({ definition }: Schedule, slot: number): Record<string, unknown> =>
  paramsOfSlot(definition.params, slotTimes(slot, definition.timezone));
/** What a slot does when nothing is in its way. */
export const wouldOf = (schedule: Schedule, slot: number): string => {
  const { row } = schedule;
  const given = paramsFor(schedule, slot);
  const params = Object.keys(given).length > 0 ? ` with ${JSON.stringify(given)}` : '';
  return `start a run of ${row.pipeline}${params}`;
};
export const policyOf = ({ definition }: Schedule): string => `overlap: ${definition.overlap}`;

/** The rule by which a slot waits that shares its second with one of another schedule. */
export const turnPolicy = 'schedules-collide';
/** Does the slot wait for its turn behind another schedule's? It runs before anything else. */
export const isTurn = ({ decision, policy, backfill }: SlotRow): boolean =>
  decision === 'waiting' && policy === turnPolicy && backfill === '';
/** How a slot comes to its run: when it is due, or after it waited. */
export type Firing = 'due' | 'made-up' | 'turn';

type SlotOf = { scheduleId: string; backfill: string; slot: number };
const dataOf = ({ scheduleId, backfill, slot }: SlotOf) => ({
  schedule: scheduleId,
  slot: iso(slot),
  ...(backfill && { backfill }),
});

const firedEvent = (of: SlotOf, runId: string, delayMs: number, firing: Firing): NewEvent => {
  const isLate = firing === 'due' && delayMs >= lateMs;
  const made = of.backfill ? ', a slot of a backfill' : ', a missed slot that is made up for';
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
    msg: `schedule ${of.scheduleId} fired for ${iso(of.slot)}${how}`,
    data: { ...dataOf(of), run_id: runId, late_ms: firing === 'made-up' ? null : delayMs },
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

/** A slot that is due and waits for its turn. */
export const waitsEvent = (of: SlotOf, why: string, would: string): NewEvent => ({
  stage: 'scheduler',
  event: 'queued',
  severity: 'info',
  msg: `the slot ${iso(of.slot)} of schedule ${of.scheduleId} waits and ${why}`,
  data: { ...dataOf(of), why, policy: turnPolicy, would },
});

/** One event, however many were missed. */
export const missedEvent = (
  scheduleId: string,
  rows: SlotRow[],
  isMore: boolean,
  makeUp: number,
  policy: string,
): NewEvent => {
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const [from, to] = [
    Math.min(...rows.map(({ slot }) => slot)),
    Math.max(...rows.map(({ slotTo }) => slotTo)),
  ];
  const number = `${isMore ? 'at least ' : ''}${count} ${count === 1 ? 'slot' : 'slots'}`;
  const range = count === 1 ? iso(from) : `${iso(from)} to ${iso(to)}`;
  const then =
    makeUp > 0
      ? `; ${makeUp} of them ${makeUp === 1 ? 'is' : 'are'} made up for`
      : '; none is made up for';
  return {
    stage: 'scheduler',
    event: 'missed',
    severity: 'warning',
    msg: `schedule ${scheduleId} missed ${number} (${range})${then}`,
    data: { schedule: scheduleId, count, from: iso(from), to: iso(to), policy, made_up: makeUp },
  };
};

export const claimOf = (
  schedule: Schedule,
  slot: { slot: number; backfill: string },
  delayMs: number,
  firing: Firing,
  mayWait: boolean,
): SlotClaim => {
  const of = { scheduleId: schedule.row.id, ...slot };
  const [policy, would] = [policyOf(schedule), wouldOf(schedule, slot.slot)];
  return {
    ...of,
    policy,
    would,
    timezone: schedule.definition.timezone,
    fired: (runId) => firedEvent(of, runId, delayMs, firing),
    refused: (code, why, runId) => {
      if (code === 'blocked-by-policy')
        return firing === 'due' ? notRunEvent(of, 'blocked', why, code, would) : null;
      return mayWait ? null : notRunEvent(of, 'skipped', why, policy, would, runId);
    },
  };
};
