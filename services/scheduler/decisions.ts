import type { NewEvent } from '../../wire/events.ts';
import type { PlannedSlot } from '../calendar/planner.ts';
import type { Clock } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { StartRequest } from '../start/start-request.ts';

import { type Pause, SlotDecided, type SlotRow } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import { dueSlots, judgeDue } from './missed.ts';
import { hasNewInput, patternsKey } from './new-input.ts';
import { secondOf, sharedWords } from './preview.ts';
import type { Schedule, ScheduleRegistry } from './schedule-registry.ts';
import {
  claimOf,
  type Firing,
  isTurn,
  missedEvent,
  notRunEvent,
  paramsFor,
  policyOf,
  turnPolicy,
  waitsEvent,
  wouldOf,
} from './slot-words.ts';

type Deps = {
  store: Store;
  registry: ScheduleRegistry;
  clock: Clock;
  start: (request: StartRequest) => Promise<unknown>;
  paused: () => Promise<Pause | null>;
  /** Tells the readers of the journal that something was written. */
  wake: () => void;
};
export type Decisions = {
  /**
   * Decides every slot of a schedule that is due. @returns when the next one is, and whether any
   * waits for its turn now
   */
  decideDue(schedule: Schedule): Promise<{ nextAt: number; isWaiting: boolean }>;
  /**
   * Begins the oldest of the slots that wait, where nothing is in the way; `turns` = only those
   * that wait for another schedule's. @returns false when none waits
   */
  decideWaiting(which?: 'turns'): Promise<boolean>;
};

/**
 * Refusals that say "not now": the slot stays undecided, and the next service or tick decides it.
 */
const notNow = ['draining', 'starting'];
/**
 * Another run has the place, or the failures of the pipeline hold it back: recorded where the run
 * was refused.
 */
const inTheWay = ['already-running', 'queue-full', 'blocked-by-policy'];
const conflictWords = {
  skip: 'refuse',
  queue_one: 'queue',
  cancel_running: 'cancel_running',
} as const;

/** One stored decision for each slot: the run that begins with it, or why none does. */
export const createDecisions = (deps: Deps): Decisions => {
  const { store, registry, clock } = deps;

  const decide = async (
    schedule: Schedule,
    rows: SlotRow[],
    event: NewEvent | null,
  ): Promise<void> => {
    if (rows.length === 0) return;
    await store.decideSlots(rows, event, schedule.row.pipeline, clock.wallMs());
    const own = rows.filter(({ backfill }) => backfill === '').map(({ slotTo }) => slotTo);
    schedule.row.decidedTo = Math.max(schedule.row.decidedTo, ...own);
    deps.wake();
  };
  const rowOf = (
    schedule: Schedule,
    slot: number,
    decision: SlotRow['decision'],
    more: Partial<SlotRow> = {},
  ): SlotRow => ({
    scheduleId: schedule.row.id,
    backfill: '',
    slot,
    slotTo: slot,
    count: 1,
    decision,
    runId: null,
    reason: null,
    policy: policyOf(schedule),
    would: wouldOf(schedule, slot),
    at: clock.wallMs(),
    ...more,
  });
  const notRun = (
    schedule: Schedule,
    of: { slot: number; backfill: string },
    decision: 'skipped' | 'refused',
    why: string,
    policy: string,
  ) =>
    decide(
      schedule,
      [rowOf(schedule, of.slot, decision, { backfill: of.backfill, reason: why, policy })],
      notRunEvent(
        { scheduleId: schedule.row.id, ...of },
        decision,
        why,
        policy,
        wouldOf(schedule, of.slot),
      ),
    );

  /**
   * Starts the run of a slot. @returns what became of it: `in-the-way` = another run has the place,
   * and the slot, which may wait, is undecided; `not-now` = nobody could decide
   */
  const fire = async (
    schedule: Schedule,
    of: { slot: number; backfill: string },
    fireAt: number,
    firing: Firing,
    mayWait = firing !== 'due',
  ): Promise<'decided' | 'in-the-way' | 'not-now'> => {
    const { row, definition } = schedule;
    const request: StartRequest = {
      pipeline: row.pipeline,
      params: paramsFor(schedule, of.slot),
      trigger: of.backfill ? 'backfill' : 'schedule',
      reason: null,
      onlyStage: null,
      actor: { kind: 'system', name: `schedule ${row.id}` },
      idempotency: null,
      onConflict: mayWait ? 'refuse' : conflictWords[definition.overlap],
      slot: claimOf(schedule, of, Math.max(0, clock.wallMs() - fireAt), firing, mayWait),
    };
    try {
      await deps.start(request);
    } catch (error) {
      if (error instanceof SlotDecided) await registry.refresh(row.id);
      else if (!(error instanceof ServiceError) || error.status >= 500) {
        if (error instanceof ServiceError && notNow.includes(error.code)) return 'not-now';
        throw error;
      } else if (inTheWay.includes(error.code)) {
        const isOpen = error.code === 'blocked-by-policy' ? firing !== 'due' : mayWait;
        if (isOpen) return 'in-the-way';
        deps.wake();
      } else await notRun(schedule, of, 'refused', error.message, error.code);
    }
    if (of.backfill === '') schedule.row.decidedTo = Math.max(schedule.row.decidedTo, of.slot);
    return 'decided';
  };

  const siblingsOf = ({ row }: Schedule): Schedule[] =>
    registry.all().filter((one) => one.row.pipeline === row.pipeline && one.row.id !== row.id);
  /** Who of the pipeline has begun, or waits, with a slot of the same second; null = nobody. */
  const begunWith = async (siblings: Schedule[], slot: number): Promise<string | null> => {
    const from = secondOf(slot) * 1000;
    for (const { row } of siblings) {
      const [last] = await store.slots({
        scheduleId: row.id,
        backfill: '',
        before: from + 1000,
        limit: 1,
      });
      if (last && last.slot >= from && ['started', 'queued', 'waiting'].includes(last.decision))
        return row.id;
    }
    return null;
  };

  /**
   * A slot that is due now. Where another schedule of the pipeline began in the same second, it
   * waits and runs next, whatever its overlap: else the first in the file would win every time.
   */
  const fireDue = async (schedule: Schedule, { slot, fireAt }: PlannedSlot): Promise<boolean> => {
    const of = { slot, backfill: '' };
    const siblings = siblingsOf(schedule);
    if (siblings.length > 0) {
      const { row, definition } = schedule;
      const own = [row.id, ...siblings.map((one) => one.row.id)];
      const turns = (await store.waitingSlots()).filter(
        (one) => isTurn(one) && own.includes(one.scheduleId),
      );
      const waits = (turn: SlotRow): Promise<void> =>
        notRun(
          schedule,
          of,
          'skipped',
          `the slot ${new Date(turn.slot).toISOString()} of schedule ${turn.scheduleId} waits for its turn already, which is all that may`,
          policyOf(schedule),
        );
      const mine = turns.find(({ scheduleId }) => scheduleId === row.id);
      if (mine) {
        await waits(mine);
        return false;
      }
      const other = await begunWith(siblings, slot);
      if (other !== null) {
        if ((await fire(schedule, of, fireAt, 'due', true)) !== 'in-the-way') return false;
        const reason = `runs next: ${sharedWords(other)}`;
        await decide(
          schedule,
          [rowOf(schedule, slot, 'waiting', { reason, policy: turnPolicy })],
          waitsEvent({ scheduleId: row.id, ...of }, reason, wouldOf(schedule, slot)),
        );
        return true;
      }
      if (turns[0] && definition.overlap === 'queue_one') {
        await waits(turns[0]);
        return false;
      }
    }
    await fire(schedule, of, fireAt, 'due');
    return false;
  };

  /** What keeps an on-time slot from running, before anybody looks at runs. */
  const obstacle = async (
    { row, definition, projectDir }: Schedule,
    { skip }: Pick<PlannedSlot, 'skip'>,
  ): Promise<{ why: string; policy: string } | null> => {
    if (skip) return { why: skip.detail, policy: skip.reason };
    const pause = await deps.paused();
    if (pause)
      return {
        why: `all schedules are paused by ${pause.by} since ${new Date(pause.at).toISOString()}${pause.reason ? `: ${pause.reason}` : ''}`,
        policy: 'paused',
      };
    if (definition.only_when_new.length === 0) return null;
    const patterns = definition.only_when_new;
    const done = await store.latestInputs(row.pipeline, patternsKey(patterns));
    if (!done || (await hasNewInput(patterns, projectDir, done))) return null;
    return {
      why: `no file of ${patterns.join(', ')} is new or changed since run ${done.number}, the latest that is DONE`,
      policy: 'only_when_new',
    };
  };

  const decideDue: Decisions['decideDue'] = async (schedule) => {
    const { row, definition, plan } = schedule;
    if (!plan || !definition.enabled) return { nextAt: Number.POSITIVE_INFINITY, isWaiting: false };
    const now = clock.wallMs();
    const due = dueSlots(plan, row.decidedTo, now);
    const { onTime, makeUp, missed, leftOut } = judgeDue(due, definition, now);
    const policy = `missed: ${definition.missed}`;
    const single = missed.map(({ slot, reason }) =>
      rowOf(schedule, slot.slot, 'missed', { reason, policy }),
    );
    const { older } = due;
    const lot = older
      ? [
          rowOf(schedule, older.from, 'missed', {
            slotTo: older.to,
            count: older.count,
            policy,
            reason: `${older.isMore ? 'at least ' : ''}${older.count} slots missed while the service was away`,
          }),
        ]
      : [];
    const waiting = makeUp.map(({ slot }) =>
      rowOf(schedule, slot, 'waiting', { reason: 'a missed slot that is made up for', policy }),
    );
    const skipped = leftOut.map(({ slot, skip }) =>
      rowOf(schedule, slot, 'skipped', {
        reason: skip?.detail ?? null,
        policy: skip?.reason ?? '',
      }),
    );
    const all = [...lot, ...single, ...waiting];
    await decide(
      schedule,
      [...skipped, ...all],
      all.length > 0
        ? missedEvent(row.id, all, older?.isMore ?? false, makeUp.length, policy)
        : null,
    );
    let isTurnOf = false;
    if (onTime) {
      const what = await obstacle(schedule, onTime);
      const of = { slot: onTime.slot, backfill: '' };
      if (what) await notRun(schedule, of, 'skipped', what.why, what.policy);
      else isTurnOf = await fireDue(schedule, onTime);
    }
    // Refreshed when somebody else has decided meanwhile.
    const decidedTo = (registry.find(row.id) ?? schedule).row.decidedTo;
    const nextAt =
      plan.between(decidedTo, Number.POSITIVE_INFINITY, 1)[0]?.fireAt ?? Number.POSITIVE_INFINITY;
    return { nextAt, isWaiting: makeUp.length > 0 || isTurnOf };
  };

  /**
   * Slots that are made up for and backfills: one after the other, when nothing of the pipeline is
   * live.
   */
  const decideWaiting: Decisions['decideWaiting'] = async (which) => {
    const now = clock.wallMs();
    const places = new Map(registry.all().map(({ row }, place) => [row.id, place]));
    const placeOf = ({ scheduleId }: SlotRow): number => places.get(scheduleId) ?? 0;
    const rows = (await store.waitingSlots())
      .filter((row) => which === undefined || isTurn(row))
      .toSorted(
        (a, b) =>
          Number(isTurn(b)) - Number(isTurn(a)) || a.slot - b.slot || placeOf(a) - placeOf(b),
      );
    if (rows.length === 0 || (await deps.paused())) return rows.length > 0;
    const begun = new Set<string>();
    for (const row of rows) {
      const { scheduleId, slot, backfill } = row;
      const schedule = registry.find(scheduleId);
      if (!schedule?.plan || begun.has(schedule.row.pipeline)) continue;
      if (backfill === '' && !schedule.definition.enabled) {
        await decide(
          schedule,
          [
            rowOf(schedule, slot, 'cancelled', {
              reason: 'the schedule was disabled before its turn',
            }),
          ],
          null,
        );
        continue;
      }
      const windowMs = schedule.definition.missedWindowMs;
      if (backfill === '' && now - slot > windowMs) {
        const reason = `waited longer than missed_window (${windowMs / 1000} s)`;
        await decide(
          schedule,
          [
            rowOf(schedule, slot, 'missed', {
              reason,
              policy: `missed: ${schedule.definition.missed}`,
            }),
          ],
          null,
        );
        continue;
      }
      const { run } = await store.latest(schedule.row.pipeline);
      const isLive = run !== null && run.endedAt === null;
      // What is made up for runs alone; whose turn it is takes the first place that is free.
      if (isLive && !(isTurn(row) && run.definition.concurrency.limit > 1)) continue;
      const what = backfill === '' ? await obstacle(schedule, { skip: null }) : null;
      if (what) {
        await notRun(schedule, { slot, backfill }, 'skipped', what.why, what.policy);
        continue;
      }
      begun.add(schedule.row.pipeline);
      await fire(schedule, { slot, backfill }, slot, isTurn(row) ? 'turn' : 'made-up');
    }
    return true;
  };

  return { decideDue, decideWaiting };
};
