import fc from 'fast-check';
import { type ScheduleFile, scheduleOf, scheduleSchema } from '../../../definition/schedule.ts';
import { planOf } from '../../../services/calendar/planner.ts';
import { pacedNext } from '../../../services/scheduler/paced.ts';

const plan = (written: Record<string, unknown>, zone = 'UTC') =>
  planOf('sample', scheduleOf(scheduleSchema.parse(written) as ScheduleFile, zone));
const iso = (instant: number): string => new Date(instant).toISOString().replace('.000', '');
const minuteMs = 60_000;
const quarterMs = 15 * minuteMs;
const zones = [
  'America/Chicago',
  'Europe/London',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'UTC',
] as const;

/** `*`, lists, ranges and steps, read in ten lines that know nothing of the planner. */
const matcher = (pattern: string): ((local: number) => boolean) => {
  const bounds = [
    [0, 59],
    [0, 23],
    [1, 31],
    [1, 12],
    [0, 6],
  ] as const;
  const sets = pattern.split(' ').map((field, index) => {
    const [low, high] = bounds[index] as readonly [number, number];
    return new Set(
      field.split(',').flatMap((part) => {
        const [range = '*', step = '1'] = part.split('/');
        const [from, to = from] = range === '*' ? [low, high] : range.split('-').map(Number);
        return Array.from(
          { length: (to as number) - (from as number) + 1 },
          (_, n) => (from as number) + n,
        ).filter((n) => (n - (from as number)) % Number(step) === 0);
      }),
    );
  });
  const [minute, hour, date, month, weekday] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  return (local) => {
    if (!minute.has((local / minuteMs) % 60) || !hour.has(Math.floor(local / (60 * minuteMs)) % 24))
      return false;
    const at = new Date(local);
    return (
      date.has(at.getUTCDate()) && month.has(at.getUTCMonth() + 1) && weekday.has(at.getUTCDay())
    );
  };
};

/**
 * What the clocks of a zone show, minute by minute, as Intl says. No zone changes its clocks but on
 * a quarter of an hour.
 */
const walk = (zone: string, from: number, until: number): Float64Array => {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const shown = new Float64Array((until - from) / minuteMs);
  for (let index = 0; index < shown.length; index += 15) {
    const local = Date.parse(`${format.format(from + index * minuteMs).replace(' ', 'T')}Z`);
    for (let add = 0; add < 15; add += 1) shown[index + add] = local + add * minuteMs;
  }
  return shown;
};

type Due = { instant: number; kind: 'once' | 'again' | 'gap' };
/**
 * When a pattern is due by the words of the documents: `gap` at a shift that swallows it, `again`
 * in an hour that comes again.
 */
const dueOn = (shown: Float64Array, from: number, pattern: string): Due[] => {
  const matches = matcher(pattern);
  const due: Due[] = [];
  let latest = (shown[0] as number) - minuteMs;
  shown.forEach((local, index) => {
    const instant = from + index * minuteMs;
    let isLost = false;
    for (let lost = latest + minuteMs; lost < local; lost += minuteMs) isLost ||= matches(lost);
    if (matches(local)) due.push({ instant, kind: local > latest ? 'once' : 'again' });
    else if (isLost) due.push({ instant, kind: 'gap' });
    latest = Math.max(latest, local);
  });
  return due;
};

describe.each(zones)('S53: 400 days in %s, against a walk over the minutes of Intl', (zone) => {
  const from = Date.parse('2027-01-10T00:00Z');
  const until = from + 400 * 86_400_000;
  const shown = walk(zone, from, until);
  test.each(['*/15 0-3 * * *', '30 2 * * *', '10 1 * * *', '5,50 1-3 * * 0', '45 1-2 1 4,10,11 *'])(
    '%s is due when the walk says so, under each policy, and never twice',
    (cron) => {
      const all = dueOn(shown, from, cron);
      for (const dst_gap of ['run_at_shift', 'skip'])
        for (const dst_fold of ['once', 'twice']) {
          const slots = plan({ cron, dst_gap, dst_fold }, zone).between(
            from - 1,
            until - 1,
            Number.POSITIVE_INFINITY,
          );
          const kept = slots.filter(({ skip }) => skip === null).map(({ slot }) => slot);
          const due = all.filter(
            ({ kind }) =>
              kind === 'once' ||
              (kind === 'gap' ? dst_gap === 'run_at_shift' : dst_fold === 'twice'),
          );
          // Ten thousands of numbers: compared by hand, and only the first wrong one is shown.
          const wrong = kept.findIndex((slot, index) => slot !== due[index]?.instant);
          expect([
            dst_gap,
            dst_fold,
            kept.length,
            wrong < 0 ? null : iso(kept[wrong] as number),
          ]).toEqual([dst_gap, dst_fold, due.length, null]);
          // What is left out at a gap is said, once a shift, and so is each second time that is not
          // to run; nothing else is left out.
          const out = slots.flatMap(({ skip }) => skip?.reason ?? []);
          const gaps = dst_gap === 'skip' ? all.filter(({ kind }) => kind === 'gap') : [];
          const folds = dst_fold === 'once' ? all.filter(({ kind }) => kind === 'again') : [];
          expect(out.toSorted()).toEqual([
            ...folds.map(() => 'dst-fold'),
            ...gaps.map(() => 'dst-gap'),
          ]);
        }
    },
  );
});

describe('for every schedule', () => {
  const number = (max: number, min = 0) => fc.integer({ min, max }).map(String);
  const field = (max: number, min = 0) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('*') },
      number(max, min),
      fc.integer({ min: 2, max: Math.max(2, Math.floor(max / 2)) }).map((step) => `*/${step}`),
    );
  const schedule = fc.record({
    written: fc.oneof(
      fc.record({
        cron: fc
          .tuple(field(59), field(23), field(28, 1), field(12, 1), field(6))
          .map((fields) => fields.join(' ')),
      }),
      fc.record({ every: fc.integer({ min: 60_000, max: 100_000_000 }) }),
    ),
    dst_gap: fc.constantFrom('run_at_shift', 'skip'),
    dst_fold: fc.constantFrom('once', 'twice'),
    jitter: fc.constantFrom(0, 60_000, 3_600_000),
    zone: fc.constantFrom(...zones),
    at: fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2030-01-01') }),
  });
  const made = ({
    written,
    zone,
    ...rest
  }: {
    written: object;
    zone: string;
    dst_gap: string;
    dst_fold: string;
    jitter: number;
  }) =>
    plan({ ...written, dst_gap: rest.dst_gap, dst_fold: rest.dst_fold, jitter: rest.jitter }, zone);

  test('slots come in order, each once, and a window is the sum of its parts', () => {
    fc.assert(
      fc.property(schedule, fc.integer({ min: 0, max: 20 }), ({ at, ...one }, cut) => {
        const whole = made(one).between(at, Number.POSITIVE_INFINITY, 25);
        const slots = whole.map(({ slot }) => slot);
        expect(slots).toEqual([...new Set(slots)].sort((a, b) => a - b));
        const middle = slots[Math.min(cut, slots.length - 1)] ?? at;
        const last = slots.at(-1) ?? at;
        expect([
          ...made(one).between(at, middle, 100),
          ...made(one).between(middle, last, 100),
        ]).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test('next is what is not left out of the slots that follow', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async ({ at, ...one }) => {
        const kept = made(one)
          .between(at, Number.POSITIVE_INFINITY, 30)
          .filter(({ skip }) => skip === null);
        expect(await pacedNext(made(one).slots(at), 5)).toEqual(kept.slice(0, 5));
      }),
      { numRuns: 100 },
    );
  });

  test('jitter is the same each time and never reaches the next slot', () => {
    fc.assert(
      fc.property(schedule, ({ at, ...one }) => {
        const slots = made(one).between(at, Number.POSITIVE_INFINITY, 10);
        expect(made(one).between(at, Number.POSITIVE_INFINITY, 10)).toEqual(slots);
        for (const [index, { slot, fireAt }] of slots.entries()) {
          const following = slots[index + 1]?.slot ?? Number.POSITIVE_INFINITY;
          expect(fireAt >= slot && fireAt <= slot + one.jitter && fireAt < following).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

const due = (written: Record<string, unknown>, zone: string, from: string, count: number) =>
  plan(written, zone)
    .between(Date.parse(from), Number.POSITIVE_INFINITY, count)
    .map(({ local, skip }) => (skip ? `${local} ${skip.reason}` : local));

test('a quarter-hour schedule has no hole where an hour comes twice unless it asks for once', () => {
  const slots = plan({ cron: '*/15 * * * *' }, 'America/Chicago').between(
    Date.parse('2027-11-07T05:00Z'),
    Date.parse('2027-11-07T09:00Z'),
    100,
  );
  expect(slots.map(({ slot }) => slot - (slots[0]?.slot ?? 0))).toEqual(
    slots.map((_, index) => index * quarterMs),
  );
  const once = plan({ cron: '*/15 * * * *', dst_fold: 'once' }, 'America/Chicago').between(
    Date.parse('2027-11-07T05:00Z'),
    Date.parse('2027-11-07T09:00Z'),
    100,
  );
  expect(once.filter(({ skip }) => skip === null)).toHaveLength(12);
  expect(once.flatMap(({ skip }) => skip?.detail ?? [])).toEqual([
    '01:00 comes twice on 2027-11-07: this is the second time, left out',
    '01:15 comes twice on 2027-11-07: this is the second time, left out',
    '01:30 comes twice on 2027-11-07: this is the second time, left out',
    '01:45 comes twice on 2027-11-07: this is the second time, left out',
  ]);
  // By default a pattern that names its hours has no second time.
  expect(due({ cron: '30 1 * * *' }, 'America/Chicago', '2027-11-07T00:00Z', 2)).toEqual([
    '2027-11-07T01:30:00-05:00',
    '2027-11-08T01:30:00-06:00',
  ]);
});

test('a day that a zone leaves out whole runs at its shift', () => {
  expect(due({ cron: '0 12 * * *' }, 'Pacific/Apia', '2011-12-29T12:00Z', 3)).toEqual([
    '2011-12-29T12:00:00-10:00',
    '2011-12-31T00:00:00+14:00',
    '2011-12-31T12:00:00+14:00',
  ]);
});

test('seconds, presets, intervals and single instants are due where they say', () => {
  expect(due({ cron: '*/20 30 9 * * mon' }, 'UTC', '2027-01-01T00:00Z', 3)).toEqual([
    '2027-01-04T09:30:00+00:00',
    '2027-01-04T09:30:20+00:00',
    '2027-01-04T09:30:40+00:00',
  ]);
  expect(due({ cron: '@weekly' }, 'UTC', '2027-01-01T00:00Z', 1)).toEqual([
    '2027-01-03T00:00:00+00:00',
  ]);
  expect(
    due({ every: '90m', start: '2027-01-01T00:10' }, 'Asia/Kolkata', '2026-12-01T00:00Z', 2),
  ).toEqual(['2027-01-01T00:10:00+05:30', '2027-01-01T01:40:00+05:30']);
  expect(
    due(
      { at: ['2027-03-14T02:30', '2027-01-01T00:00Z'] },
      'America/Chicago',
      '2026-12-01T00:00Z',
      5,
    ),
  ).toEqual(['2026-12-31T18:00:00-06:00', '2027-03-14T03:00:00-05:00']);
  expect(
    due(
      { cron: '0 9 * * *', start: '2027-01-02', end: '2027-01-04' },
      'UTC',
      '2026-01-01T00:00Z',
      9,
    ),
  ).toEqual(['2027-01-02T09:00:00+00:00', '2027-01-03T09:00:00+00:00']);
  expect(due({ cron: '0 0 30 2 *' }, 'UTC', '2026-01-01T00:00Z', 9)).toEqual([]);
});

test('blackout windows and skip days leave slots out and say why; a window over midnight belongs to the day it begins on', () => {
  expect(
    due(
      { cron: '0 9 * * *', skip_days: { weekends: true, dates: ['01-01'] } },
      'UTC',
      '2026-12-31T12:00Z',
      4,
    ),
  ).toEqual([
    '2027-01-01T09:00:00+00:00 skip-day',
    '2027-01-02T09:00:00+00:00 weekend',
    '2027-01-03T09:00:00+00:00 weekend',
    '2027-01-04T09:00:00+00:00',
  ]);
  const night = { blackout: [{ from: '22:00', to: '02:00', days: ['fri'] }] };
  expect(due({ cron: '0 1,23 * * *', ...night }, 'UTC', '2027-01-01T00:00Z', 4)).toEqual([
    '2027-01-01T01:00:00+00:00',
    '2027-01-01T23:00:00+00:00 blackout',
    '2027-01-02T01:00:00+00:00 blackout',
    '2027-01-02T23:00:00+00:00',
  ]);
  const once = { blackout: [{ from: '2027-01-01T08:00', to: '2027-01-01T10:00', reason: 'move' }] };
  expect(
    plan({ cron: '0 9 * * *', ...once }).between(
      Date.parse('2027-01-01'),
      Number.POSITIVE_INFINITY,
      1,
    )[0]?.skip?.detail,
  ).toContain('move');
});

test.each([
  ['61 * * * *', 'field 1 (minute) is `61`'],
  ['0 0 32 * *', 'field 3 (day of month) is `32`'],
  ['0 0 0 * * 9', 'field 6 (day of week) is `9`'],
  ['0 0 * *', 'expected 5 fields'],
  ['@dayly', 'there is no preset @dayly'],
  ['1,,2 * * * *', 'field 1 (minute)'],
])('the pattern %s is refused: %s', (cron, words) => {
  expect(() => plan({ cron })).toThrow(words);
});
