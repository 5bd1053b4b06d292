import { paramsOfSlot } from '../../definition/slot-params.ts';
import type { NewEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import { dataOf, type SlotOf } from '../start/slot-events.ts';
import { slotTimes } from '../store/slot-of-run.ts';
import type { Firing, SlotClaim, SlotRow, SlotWrites } from '../store/slot-store.ts';
import type { Schedule } from './schedule-registry.ts';

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
): SlotClaim => ({
  scheduleId: schedule.row.id,
  ...slot,
  policy: policyOf(schedule),
  would: wouldOf(schedule, slot.slot),
  timezone: schedule.definition.timezone,
  delayMs,
  firing,
  mayWait,
});

/** Only what was missed after this instant is open again. */
export const rewound = (
  { id, pipeline }: Pick<Schedule['row'], 'id' | 'pipeline'>,
  to: number,
): SlotWrites => ({
  rows: [],
  marks: [],
  rewind: { scheduleId: id, to },
  event: null,
  pipeline,
  at: to,
});
