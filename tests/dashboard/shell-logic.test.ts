import {
  type Connection,
  connecting,
  isFresh,
  next,
  type Signal,
} from '../../dashboard/live/connection.ts';
import { barsOf, summaryOf } from '../../dashboard/overview/duration-bars.ts';
import { isWindow, scaleOf, windowFor } from '../../dashboard/overview/ruler-scale.ts';
import { match } from '../../dashboard/shell/match.ts';
import { entryOf, type Param, readEntry } from '../../dashboard/start/start-params.ts';
import { lookOfRun } from '../../dashboard/ui/state-words.ts';
import { quantile } from '../../dashboard/ui/statistics.ts';
import { duration, relative } from '../../dashboard/ui/time.ts';
import type { RunFacts } from '../../dashboard/use-reads.ts';

type SlotEvent = Parameters<typeof barsOf>[1][number];

const heartbeatMs = 15_000;
const tick = (isNetworkUp = true): Signal => ({ type: 'tick', isNetworkUp, heartbeatMs });
/** The pill after signals, each with its moment in ms. */
const after = (...signals: [number, Signal][]): Connection =>
  signals.reduce<Connection>((state, [at, signal]) => next(state, signal, at), connecting(0));
const states = (...signals: [number, Signal][]): string[] =>
  signals.map((_, index) => after(...signals.slice(0, index + 1)).state);
const frame: Signal = { type: 'frame' };
const waiting: Signal = { type: 'waiting', retryInMs: 400 };
const opening: Signal = { type: 'opening' };

test('the pill is live from the first frame, lagging when a heartbeat is overdue, and live again with the next frame', () => {
  expect(
    states([0, opening], [50, frame], [20_000, tick()], [23_000, tick()], [23_500, frame]),
  ).toEqual(['connecting', 'live', 'live', 'lagging', 'live']);
});

test('a broken connection counts its tries from one, names the next, and is offline after a minute without an answer', () => {
  const broken = after([0, frame], [1000, waiting]);
  expect(broken).toEqual({
    state: 'reconnecting',
    since: 1000,
    tries: 1,
    retryAt: 1400,
    lastAt: 0,
  });
  const again = after([0, frame], [1000, waiting], [1400, opening], [1500, waiting]);
  expect(again).toMatchObject({ state: 'reconnecting', since: 1000, tries: 2, retryAt: 1900 });
  expect(
    states(
      [0, frame],
      [1000, waiting],
      [60_000, tick()],
      [61_500, tick()],
      [62_000, waiting],
      [62_100, frame],
    ),
  ).toEqual(['live', 'reconnecting', 'reconnecting', 'offline', 'offline', 'live']);
});

test('without a network the pill is offline at once, but only when the stream is broken: loopback needs no network', () => {
  expect(after([0, frame], [100, tick(false)]).state).toBe('live');
  expect(after([0, frame], [100, waiting], [200, tick(false)]).state).toBe('offline');
});

test('a refusal is final, and only a live connection lets timers count', () => {
  const refused = after(
    [0, frame],
    [1, { type: 'closed', code: 4406, reason: 'speak v=1' }],
    [2, waiting],
    [3, frame],
  );
  expect(refused).toEqual({ state: 'refused', code: 4406, reason: 'speak v=1', lastAt: 0 });
  const all = [
    after([0, opening]),
    after([0, frame]),
    after([0, frame], [30_000, tick()]),
    after([0, frame], [1, waiting]),
    refused,
  ];
  expect(all.map(isFresh)).toEqual([false, true, false, false, false]);
});

test.each<[Param, string | boolean, unknown]>([
  [{ type: 'integer', default: 3 }, '7', 7],
  [{ type: 'number' }, '-1.5e3', -1500],
  [{ type: 'number' }, '  ', undefined],
  [{ type: 'boolean' }, false, false],
  [{ type: 'string', default: 'x' }, '', ''],
  [{ type: 'string' }, '', undefined],
  [{ type: 'array', items: { type: 'string' } }, ' a \n\nb', ['a', 'b']],
  [{ type: 'array', items: { type: 'integer' } }, '[1, 2]', [1, 2]],
  [{ type: 'object' }, '{"a": {"b": 1}}', { a: { b: 1 } }],
  [{ type: 'integer', enum: [1, 2] }, '2', 2],
])('the field of %j with %j sends %j', (param, entry, value) => {
  expect(readEntry(param, entry)).toEqual({ ok: true, value });
});

test.each<[Param, unknown]>([
  [{ type: 'integer' }, 7],
  [{ type: 'boolean' }, true],
  [{ type: 'string', enum: ['a', 'b'] }, 'b'],
  [{ type: 'array', items: { type: 'string' } }, ['a', 'b']],
  [{ type: 'array', items: { type: 'number' } }, [1, 2.5]],
  [{ type: 'object' }, { a: [1, { b: null }] }],
])('a value of %j survives the way into its field and back: %j', (param, value) => {
  expect(readEntry(param, entryOf(param, value))).toEqual({ ok: true, value });
});

test('what cannot be read is told without asking the service', () => {
  expect(readEntry({ type: 'object' }, '{')).toEqual({ ok: false, detail: 'is not valid JSON' });
  expect(readEntry({ type: 'number' }, 'seven')).toEqual({ ok: false, detail: 'is not a number' });
});

test('the palette finds by the letters in order, and prefers the beginnings of words', () => {
  expect(match('xyz', 'Stop slow')).toBeNull();
  expect(match('ss', 'Stop slow, run 1')).not.toBeNull();
  const labels = [
    'Theme: system',
    'Go to pipeline Search index',
    'Stop Search index, run 3',
    'Start Search index',
  ];
  const best = labels.toSorted((a, b) => (match('stsea', b) ?? -1) - (match('stsea', a) ?? -1))[0];
  expect(best).toMatch(/^Sta|^Sto/);
  expect(match('theme', 'Theme: dark') as number).toBeGreaterThan(
    match('theme', 'Go to the market') ?? -1,
  );
});

test('UI-13: the palette finds words in any order', () => {
  expect(match('hold stop', 'Stop Hold, run 3')).not.toBeNull();
  expect(match('intraday log', 'Log of Intraday, run 3')).not.toBeNull();
  expect(match('hold start', 'Stop Hold, run 3')).toBeNull();
});

test('the ruler puts now at three quarters, ticks at round times, and begins at the shortest window that reaches back', () => {
  const now = Date.parse('2026-11-24T12:34:56Z');
  const { at, ticks, from, to } = scaleOf('24h', now);
  expect([at(now), at(from), at(to)]).toEqual([0.75, 0, 1]);
  expect(ticks.length).toBeGreaterThanOrEqual(4);
  expect(ticks.every((tick) => tick % 3_600_000 === 0 && tick >= from && tick <= to)).toBe(true);
  expect([null, now - 1000, now - 7_200_000, now - 9e9].map((one) => windowFor(one, now))).toEqual([
    '24h',
    '1h',
    '6h',
    '7d',
  ]);
  expect([isWindow('6h'), isWindow('toString'), isWindow(null)]).toEqual([true, false, false]);
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [59_949, '59.9 s'],
  [59_950, '1 min 00 s'],
  [3_599_600, '1 h 00 min'],
  [86_400_000, '1 d 0 h'],
])('%i ms reads %s', (ms, text) => expect(duration(ms)).toBe(text));

test('distances in time round down, never to the next unit', () => {
  expect([0, -59_999, 3_599_999, -172_800_000].map((ms) => relative(ms, 0))).toEqual([
    'just now',
    '59 s ago',
    'in 59 min',
    '2 days ago',
  ]);
});

test('a quantile is a value that was measured, and none of nothing', () => {
  expect([
    quantile([], 0.5),
    quantile([3, 1, 2], 0.5),
    quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9),
  ]).toEqual([null, 2, 9]);
});

test('no two endings of a run have the same form, whatever their colours', () => {
  const endings = [
    lookOfRun({ state: 'DONE', outcome: 'success' }),
    lookOfRun({ state: 'DONE', outcome: 'noop' }),
    lookOfRun({ state: 'DONE', outcome: 'partial' }),
    lookOfRun({ state: 'FAILED', outcome: 'failed' }),
    lookOfRun({ state: 'STOPPED', outcome: 'stopped' }),
    lookOfRun({ state: 'RETRYING', outcome: null }),
    lookOfRun({ state: 'RUNNING_A', outcome: null }),
    lookOfRun({ state: 'QUEUED', outcome: null }),
  ];
  expect(new Set(endings.map(({ glyph }) => glyph)).size).toBe(endings.length);
  expect(new Set(endings.map(({ word }) => word)).size).toBe(endings.length);
});

test('UI-10: a run that is done in part is not green, and is not counted among the successes', () => {
  expect(lookOfRun({ state: 'DONE', outcome: 'partial' }).tone).not.toBe('ok');
  const run = { state: 'DONE', ended_at: '2026-11-26T00:00:00Z', duration_ms: 1000 };
  const runs = [
    { ...run, outcome: 'success' },
    { ...run, outcome: 'partial' },
  ] as RunFacts[];
  expect(summaryOf(runs)).toContain('50 % succeeded, 1 in part');
});

test('a slot that became no run stands among the runs at its time, hollow, with the reason of the scheduler', () => {
  const run = (number: number, at: string, more = {}) =>
    ({
      run_id: `r${number}`,
      number,
      state: 'DONE',
      outcome: 'success',
      created_at: at,
      started_at: at,
      duration_ms: 4000,
      error: null,
      ...more,
    }) as unknown as RunFacts;
  const said = (event: string, slot: string, run_id: string | null = null) =>
    ({
      id: `${event}${slot}`,
      event,
      run_id,
      pipeline: 'p',
      timestamp: '2026-01-09T00:00:00.000Z',
      msg: `${event}: a run was live`,
      data: { slot },
    }) as unknown as SlotEvent;
  const runs = [
    run(2, '2026-01-03T00:00:00.000Z', { duration_ms: 16_000 }),
    run(1, '2026-01-01T00:00:00.000Z'),
  ];
  const events = [
    said('missed', '2026-01-02T00:00:00.000Z'),
    said('fired', '2026-01-03T00:00:00.000Z', 'r2'),
  ];
  const bars = barsOf(runs, events, 30, Date.parse('2026-01-09T00:00:00Z'));
  expect(bars.map(({ key, glyph, height }) => [key, glyph, height])).toEqual([
    ['r1', 'done', 0.5],
    ['missed2026-01-02T00:00:00.000Z', 'pending', 0.5],
    ['r2', 'done', 1],
  ]);
  expect(bars[1]?.text).toContain('missed: a run was live');
  expect(barsOf(runs, events, 2, 0).map(({ key }) => key)).toEqual([
    'missed2026-01-02T00:00:00.000Z',
    'r2',
  ]);
});
