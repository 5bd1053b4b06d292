import { scheduleOf, scheduleSchema } from '../../../definition/schedule.ts';
import { planOf } from '../../../services/calendar/planner.ts';
import { dueSlots, judgeDue } from '../../../services/scheduler/missed.ts';

const noon = Date.parse('2027-01-15T12:00Z');
const minute = 60_000;
const hourly = (written: object = {}) =>
  scheduleOf(scheduleSchema.parse({ cron: '0 * * * *', ...written }), 'UTC');
/** What becomes of the slots of an hourly schedule that nobody looked at since `decidedTo`. */
const judged = (written: object, decidedTo: string, now: number) => {
  const definition = hourly(written);
  const due = dueSlots(planOf('s', definition), Date.parse(decidedTo), now);
  const { onTime, makeUp, missed, leftOut } = judgeDue(due, definition, now);
  const hours = (slots: { slot: number }[]) =>
    slots.map(({ slot }) => new Date(slot).toISOString().slice(11, 13));
  return {
    onTime: hours(onTime ? [onTime] : []),
    makeUp: hours(makeUp),
    missed: hours(missed.map(({ slot }) => slot)),
    leftOut: hours(leftOut),
  };
};

test.each([
  [
    'nothing is due',
    {},
    '2027-01-15T11:00Z',
    noon - 1,
    { onTime: [], makeUp: [], missed: [], leftOut: [] },
  ],
  [
    'on time',
    {},
    '2027-01-15T11:00Z',
    noon,
    { onTime: ['12'], makeUp: [], missed: [], leftOut: [] },
  ],
  [
    'a minute late is on time',
    {},
    '2027-01-15T11:00Z',
    noon + minute,
    { onTime: ['12'], makeUp: [], missed: [], leftOut: [] },
  ],
  [
    'later it is missed',
    {},
    '2027-01-15T11:00Z',
    noon + minute + 1,
    { onTime: [], makeUp: [], missed: ['12'], leftOut: [] },
  ],
  [
    'only the newest is on time',
    {},
    '2027-01-15T09:00Z',
    noon,
    { onTime: ['12'], makeUp: [], missed: ['10', '11'], leftOut: [] },
  ],
  [
    'the one on time is the last',
    { missed: 'last' },
    '2027-01-15T09:00Z',
    noon,
    { onTime: ['12'], makeUp: [], missed: ['10', '11'], leftOut: [] },
  ],
  [
    'else the newest missed is',
    { missed: 'last' },
    '2027-01-15T09:00Z',
    noon + 5 * minute,
    { onTime: [], makeUp: ['12'], missed: ['10', '11'], leftOut: [] },
  ],
  [
    'all: the one on time joins the line',
    { missed: 'all' },
    '2027-01-15T09:00Z',
    noon,
    { onTime: [], makeUp: ['10', '11', '12'], missed: [], leftOut: [] },
  ],
  [
    'all within the count',
    { missed: 'all', missed_max: 1 },
    '2027-01-15T09:00Z',
    noon + 5 * minute,
    { onTime: [], makeUp: ['12'], missed: ['10', '11'], leftOut: [] },
  ],
  [
    'all within the window',
    { missed: 'all', missed_window: '70m' },
    '2027-01-15T09:00Z',
    noon + 5 * minute,
    { onTime: [], makeUp: ['11', '12'], missed: ['10'], leftOut: [] },
  ],
  [
    'a blackout is nobody’s miss',
    { blackout: [{ from: '10:30', to: '11:30' }] },
    '2027-01-15T09:00Z',
    noon,
    { onTime: ['12'], makeUp: [], missed: ['10'], leftOut: ['11'] },
  ],
  [
    'a blackout on time makes nothing up but the last before it',
    { missed: 'last', blackout: [{ from: '12:00', to: '12:30' }] },
    '2027-01-15T10:00Z',
    noon,
    { onTime: ['12'], makeUp: ['11'], missed: [], leftOut: [] },
  ],
])('%s', (_, written, decidedTo, now, verdict) => {
  expect(judged(written, decidedTo, now)).toEqual(verdict);
});

test('a slot whose jitter is not over waits, and what is behind it waits with it', () => {
  const definition = hourly({ jitter: '1h' });
  const plan = planOf('s', definition);
  const [first, second] = plan.between(noon - 1, Number.POSITIVE_INFINITY, 2);
  if (!first || !second) throw new Error('no slots');
  expect(dueSlots(plan, noon - 1, first.fireAt - 1).slots).toEqual([]);
  expect(dueSlots(plan, noon - 1, first.fireAt).slots).toEqual([first]);
  expect(second.fireAt).toBeGreaterThanOrEqual(second.slot);
});

test('of a year of seconds the newest 200 are looked at one by one and the rest is one lot', () => {
  const definition = hourly({ cron: '* * * * * *' });
  const { slots, older } = dueSlots(planOf('s', definition), noon - 366 * 86_400_000, noon);
  expect([slots.length, slots.at(-1)?.slot]).toEqual([200, noon]);
  expect(older).toMatchObject({
    from: noon - 366 * 86_400_000 + 1000,
    to: (slots[0]?.slot ?? 0) - 1,
    isMore: true,
  });
});

test('slots that come in clusters are the newest all the same', () => {
  const definition = hourly({ cron: '*/5 * 9 * * *' });
  const { slots } = dueSlots(planOf('s', definition), noon - 10 * 86_400_000, noon);
  expect(slots.at(-1)?.slot).toBe(Date.parse('2027-01-15T09:59:55Z'));
  expect(slots).toHaveLength(200);
});

test('TIME-11: a slot that is not made up for says so by what was done', () => {
  const reasons = (decidedTo: string, now: number) => {
    const definition = hourly({ missed: 'last', missed_window: '2h' });
    const due = dueSlots(planOf('s', definition), Date.parse(decidedTo), now);
    return judgeDue(due, definition, now).missed.map(({ reason }) => reason);
  };
  const old = 'older than missed_window (7200 s)';
  expect(reasons('2027-01-15T08:00Z', noon)).toEqual([
    old,
    'none is made up for, because the newest slot is on time',
    'none is made up for, because the newest slot is on time',
  ]);
  expect(reasons('2027-01-15T08:00Z', noon + 5 * minute)).toEqual([
    old,
    old,
    'only the last missed slot is made up for',
  ]);
});
