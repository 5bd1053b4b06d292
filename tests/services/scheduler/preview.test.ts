import {
  type ScheduleDefinition,
  scheduleOf,
  scheduleSchema,
} from '../../../definition/schedule.ts';
import { type PlannedSlot, planOf } from '../../../services/calendar/planner.ts';
import {
  createForecast,
  type LiveRun,
  medianOf,
  warningsOf,
} from '../../../services/scheduler/preview.ts';

const at = (clock: string): number => Date.parse(`2027-01-15T${clock}:00Z`);
const minutes = (count: number): number => count * 60_000;
const slots = (count: number, written: object = {}) =>
  planOf(
    's',
    scheduleOf(scheduleSchema.parse({ cron: '*/10 * * * *', ...written }), 'UTC'),
  ).between(at('08:00'), Number.POSITIVE_INFINITY, count);
const predict = (
  planned: PlannedSlot[],
  overlap: ScheduleDefinition['overlap'],
  usualMs: number | null,
  live: LiveRun | null,
) => {
  const forecast = createForecast({ usualMs, live, limit: 1, queue: [] });
  return planned.map((slot) => forecast('s', slot, { overlap }));
};
const predicted = (...given: Parameters<typeof predict>) =>
  predict(...given).map((one) => one.predicted);

test.each([
  ['skip', ['start', 'skip', 'start', 'skip']],
  ['queue_one', ['start', 'queue', 'queue', 'queue']],
  ['cancel_running', ['start', 'cancel_running', 'cancel_running', 'cancel_running']],
] as const)(
  'runs that usually take longer than the interval meet the next slot: %s',
  (overlap, words) => {
    expect(predicted(slots(4), overlap, minutes(15), null)).toEqual([...words]);
  },
);

test('only one run waits: of runs twice as long as the interval every other slot is skipped', () => {
  expect(predicted(slots(5), 'queue_one', minutes(25), null)).toEqual([
    'start',
    'queue',
    'skip',
    'queue',
    'skip',
  ]);
});

test('runs that are over in time, or of which nobody knows how long they take, all start', () => {
  expect(predicted(slots(3), 'skip', minutes(10), null)).toEqual(['start', 'start', 'start']);
  expect(predicted(slots(3), 'skip', null, null)).toEqual(['start', 'start', 'start']);
});

test('a run that is live now is met by every slot until it is likely to be over', () => {
  const live = { number: 7, state: 'RUNNING_FETCH', likelyEnd: at('08:25') };
  const [first, , third] = predict(slots(3), 'skip', minutes(5), live);
  expect(predicted(slots(3), 'skip', minutes(5), live)).toEqual(['skip', 'skip', 'start']);
  expect(first?.why).toBe(
    'will be skipped unless the run ends by 2027-01-15T08:10:00.000Z: run 7 is RUNNING_FETCH',
  );
  expect(third?.why).toBe('if run 7 (RUNNING_FETCH) has ended by 2027-01-15T08:30:00.000Z');
  expect(predicted(slots(3), 'skip', null, live)).toEqual(['skip', 'skip', 'start']);
});

test('a slot that is left out neither starts nor is in anybody’s way', () => {
  expect(
    predicted(slots(3, { blackout: [{ from: '08:10', to: '08:20' }] }), 'skip', minutes(15), null),
  ).toEqual(['left_out', 'start', 'skip']);
});

test('the warnings say what is true of all: longer than the interval, or no slot at all', () => {
  expect(warningsOf(slots(3), minutes(18))).toEqual([
    'runs usually take 18 min, longer than the 10 min between slots',
  ]);
  expect(warningsOf(slots(3), minutes(9))).toEqual([]);
  expect(warningsOf([], minutes(9))).toEqual(['there is no slot from then on']);
});

test('what is usual is the middle one, so that one long night changes nothing', () => {
  expect(medianOf([5, 1, 4_000, 2, 3])).toBe(3);
  expect(medianOf([])).toBeNull();
});

test('TIME-4: a first run, of which nobody knows how long it takes, is met by the next slots and not by all', () => {
  // It began at 08:00 and is looked at at 08:11, so it is taken to be half done.
  const live = { number: 1, state: 'RUNNING_FETCH', likelyEnd: at('08:22') };
  expect(predicted(slots(40), 'skip', null, live)).toEqual([
    'skip',
    'skip',
    ...Array(38).fill('start'),
  ]);
});

test('two runs may be live: a slot starts beside one, and is skipped only beside two', () => {
  const forecast = createForecast({ usualMs: minutes(25), live: null, limit: 2, queue: [] });
  expect(slots(4).map((slot) => forecast('s', slot, { overlap: 'skip' }).predicted)).toEqual([
    'start',
    'start',
    'skip',
    'start',
  ]);
});

test('a slot that waits for its turn already is known beforehand', () => {
  const live = { number: 7, state: 'RUNNING_FETCH', likelyEnd: at('08:15') };
  const forecast = createForecast({ usualMs: minutes(10), live, limit: 1, queue: ['other'] });
  expect(slots(3).map((slot) => forecast('s', slot, { overlap: 'queue_one' }).predicted)).toEqual([
    'skip',
    'queue',
    'queue',
  ]);
});
