import type { JournalEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import type { PlannedSlot } from '../calendar/planner.ts';
import { pacedNext } from '../scheduler/paced.ts';
import type { Schedule } from '../scheduler/schedule-registry.ts';
import type { SlotOutcome } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import { type Found, factOf, found, type Question, timeText } from './fact.ts';
import { seqBefore } from './journal-place.ts';
import { factsOfSlot } from './of-slot.ts';

type Reads = Pick<Store, 'slots' | 'journal' | 'run'>;
/** Events of the pipeline that are looked through for a change of its schedule. */
const looked = 1000;

const timesText = ({ definition: { times } }: Schedule): string =>
  'cron' in times
    ? `cron "${times.cron}"`
    : 'everyMs' in times
      ? `every ${times.everyMs / 1000} s`
      : `${times.at.length} single times`;

/** What is stored of the slots that the question is about; null = nothing. */
const decidedIn = async (
  store: Reads,
  { row, plan }: Schedule,
  { at, until }: Question,
): Promise<SlotOutcome | null> => {
  const rows = await store.slots({ scheduleId: row.id, backfill: '', before: until, limit: 3 });
  // A row that stands for many says nothing of a time at which none was due.
  const isIn = (one: SlotOutcome): boolean =>
    one.count === 1
      ? one.slot >= at
      : one.slotTo >= at && (plan?.between(at - 1, until - 1, 1).length ?? 0) > 0;
  return rows.find(isIn) ?? null;
};

/**
 * A change of the schedule after an instant: the first, where it is among the next events of the
 * pipeline, else the latest.
 */
const changeAfter = async (
  store: Reads,
  { row }: Schedule,
  instant: number,
): Promise<JournalEvent | null> => {
  if (row.updatedAt <= instant) return null;
  for (const from of [instant + 1, row.updatedAt]) {
    const after = await seqBefore(store, from);
    const { events } = await store.journal({ pipeline: row.pipeline, after, limit: looked });
    const change = events.find(
      ({ event, stage, data }) =>
        event === 'changed' && stage === 'scheduler' && data.schedule === row.id,
    );
    if (change) return change;
  }
  return null;
};

/** Why an enabled schedule does not fire; null = it does. */
const disabledFact = ({ row, definition }: Schedule, question: Question): Found | null => {
  if (definition.enabled) return null;
  const set = row.overrides.enabled;
  const who = set ? `by ${set.by} since ${timeText(set.at, question)}` : `in ${row.createdBy}`;
  return found(
    factOf('disabled', `schedule ${row.id} is disabled ${who}`, { schedule: row.id }),
    `stagewright schedules enable ${row.id} lets it fire`,
  );
};

/** A slot that the plan of today has then, and of which nothing is stored. */
const unstored = async (
  store: Reads,
  schedule: Schedule,
  planned: PlannedSlot,
  question: Question,
): Promise<Found> => {
  const { row } = schedule;
  const { slot } = planned;
  const of = { schedule: row.id, slot: iso(slot) };
  const name = `the slot ${timeText(slot, question)} of schedule ${row.id}`;
  const disabled = disabledFact(schedule, question);
  if (slot > question.now)
    return (
      disabled ??
      found(
        factOf(
          'not-yet',
          planned.skip
            ? `${name} is to come and will be left out: ${planned.skip.detail}`
            : `${name} is to come`,
          of,
        ),
      )
    );
  const change = await changeAfter(store, schedule, slot);
  if (change) {
    const text = `${name} was not due by what the schedule said then: at ${timeText(Date.parse(change.timestamp), question)} ${change.msg}`;
    return found(factOf('not-in-force', text, { ...of, seq: change.seq }));
  }
  if (disabled) return disabled;
  if (slot <= row.createdAt)
    return found(
      factOf(
        'not-in-force',
        `schedule ${row.id} was made at ${timeText(row.createdAt, question)} by ${row.createdBy}, after that`,
        of,
      ),
    );
  if (row.decidedTo >= slot)
    return found(
      factOf('forgotten', `what became of ${name} is not remembered any more`, of),
      'the archive of the data directory may still hold it',
    );
  return found(
    factOf(
      'undecided',
      `${name} is not decided yet, and should be: the scheduler stands still`,
      of,
    ),
    'GET /api/health says what is wrong with the scheduler',
  );
};

const notDue = async (store: Reads, schedule: Schedule, question: Question): Promise<Found> => {
  const { row, plan } = schedule;
  const [before] = await store.slots({
    scheduleId: row.id,
    backfill: '',
    before: question.at,
    limit: 1,
  });
  const [next] = plan ? await pacedNext(plan.slots(question.until - 1), 1) : [];
  const around = [
    ...(before
      ? [`the slot before was ${timeText(before.slotTo, question)} (${before.decision})`]
      : []),
    next ? `the next is ${timeText(next.slot, question)}` : 'there is no later one',
  ];
  const text = `schedule ${row.id} (${timesText(schedule)}, ${schedule.definition.timezone}) has no slot at ${timeText(question.at, question)}; ${around.join(', ')}`;
  const change = await changeAfter(store, schedule, question.at);
  const isPast = question.at <= question.now;
  const facts = [factOf('not-due', text, { schedule: row.id })];
  if (change && isPast)
    facts.push(
      factOf(
        'not-in-force',
        `it was changed since, and may have said something else then: at ${timeText(Date.parse(change.timestamp), question)} ${change.msg}`,
        { schedule: row.id, seq: change.seq },
      ),
    );
  return { facts, todo: [`stagewright schedules preview ${row.id} shows when it is due`] };
};

/** What a schedule has to say to the question. */
export const factsOfSchedule = async (
  store: Reads,
  schedule: Schedule,
  question: Question,
): Promise<Found> => {
  const { row, plan, problem } = schedule;
  if (!plan)
    return found(
      factOf('broken-schedule', `schedule ${row.id} cannot be understood: ${problem}`, {
        schedule: row.id,
      }),
      `mend schedule ${row.id} in the file or by \`stagewright schedules\``,
    );
  const decided = await decidedIn(store, schedule, question);
  if (decided) return factsOfSlot(store, decided, question);
  const [planned] = plan.between(question.at - 1, question.until - 1, 1);
  if (planned) return unstored(store, schedule, planned, question);
  const disabled = disabledFact(schedule, question);
  const due = await notDue(store, schedule, question);
  return disabled
    ? { facts: [...due.facts, ...disabled.facts], todo: [...due.todo, ...disabled.todo] }
    : due;
};

/** What a schedule does now: its latest slot, and when it is due next. */
export const factsOfScheduleNow = async (
  store: Reads,
  schedule: Schedule,
  question: Question,
): Promise<Found> => {
  const { row, plan, problem } = schedule;
  if (!plan) return factsOfSchedule(store, schedule, question);
  const [last] = await store.slots({ scheduleId: row.id, backfill: '', limit: 1 });
  const before = last ? await factsOfSlot(store, last, question) : { facts: [], todo: [] };
  const disabled = disabledFact(schedule, question);
  if (disabled)
    return {
      facts: [...disabled.facts, ...before.facts],
      todo: [...disabled.todo, ...before.todo],
    };
  const [next] = await pacedNext(plan.slots(Math.max(question.now, row.decidedTo)), 1);
  const of = { schedule: row.id, slot: next ? iso(next.slot) : null };
  const text = next
    ? `schedule ${row.id} (${timesText(schedule)}) is due next at ${timeText(next.slot, question)}`
    : `schedule ${row.id} has no slot to come${problem ? `: ${problem}` : ''}`;
  return { facts: [factOf('not-due', text, of), ...before.facts], todo: before.todo };
};
