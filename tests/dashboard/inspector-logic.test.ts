import { placesOf } from '../../dashboard/inspect/frame-filter.ts';
import { type Inspected, readFrame } from '../../dashboard/inspect/inspected-frame.ts';
import { differencesOf } from '../../dashboard/inspect/json-difference.ts';
import { actorsOf, snapshotAt } from '../../dashboard/inspect/known-actors.ts';
import { foldRepeats, type Message, messagesOf } from '../../dashboard/inspect/message-rows.ts';
import { placeFrom } from '../../dashboard/inspect/next-place.ts';
import { activeIn, leavesOf, stateValueIn } from '../../dashboard/inspect/state-value.ts';
import { stepAt, stepsOf } from '../../dashboard/inspect/steps-of.ts';

const told = (frame: Record<string, unknown>): Inspected =>
  readFrame(JSON.stringify({ createdAt: '1000', runId: 'r', sessionId: 'r', ...frame }), 1);
const at = (n: number, place: number): { id: string; seq: number } => ({
  id: `r:${n}.${place}`,
  seq: n,
});
const actor = (name: string, more: Record<string, unknown>): Inspected =>
  told({ type: '@xstate.actor', name, snapshot: { status: 'active' }, ...more });

test('a frame is read with its guards, ways and cause, whatever else it holds', () => {
  const frame = told({
    ...at(4, 1),
    type: '@xstate.microstep',
    event: { type: 'RETRY_NOW', at: 5, reason: 'now' },
    value: { running: { analyzer: 'attempting' } },
    guards: [{ guard: 'canRetry', holds: false, values: '3 ≥ 3' }],
    transitions: [
      { source: 'run.running', target: ['run.done'], eventType: '', actions: ['say'], guard: 'g' },
    ],
    extra: [1],
  });
  expect(frame).toMatchObject({
    kind: 'microstep',
    step: 4,
    event: 'RETRY_NOW',
    payload: '{"reason":"now"}',
    judged: [{ guard: 'canRetry', holds: false, values: '3 ≥ 3' }],
    ways: [{ from: 'running', to: ['done'], guard: 'g', actions: ['say'] }],
  });
  expect(leavesOf(frame.value ?? '')).toEqual(['running.analyzer.attempting']);
});

test.each([
  ['no JSON', 'not { json', 'unknown'],
  ['another value', '[1]', 'unknown'],
  ['no type', '{}', 'unknown'],
  ['a type of tomorrow', '{"type":"@xstate.transition"}', 'unknown'],
  ['parts of the wrong kind', '{"type":"@xstate.event","event":7,"guards":{},"seq":"x"}', 'event'],
])('a frame with %s is kept as it is and throws nothing', (_, text, kind) => {
  expect(readFrame(text, 77)).toMatchObject({ kind, at: 77, text, step: null });
});

test('parallel states are lit each with all that they are in', () => {
  const value = stateValueIn({ running: { left: 'a', right: { deep: 'b' } } });
  expect(value && leavesOf(value)).toEqual(['running.left.a', 'running.right.deep.b']);
  expect(value && [...activeIn(value)]).toEqual([
    'running',
    'running.left',
    'running.left.a',
    'running.right',
    'running.right.deep',
    'running.right.deep.b',
  ]);
  expect(stateValueIn({ running: 3 })).toBeNull();
});

test('the difference of two snapshots is the innermost paths that changed, came and went', () => {
  const before = { value: 'a', context: { n: 1, list: [1, 2], gone: true, same: { x: [null] } } };
  const after = { value: 'a', context: { n: 2, list: [1, 3, 4], same: { x: [null] }, 'new.': {} } };
  expect(differencesOf(before, after).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'changed context.n',
    'changed context.list[1]',
    'added context.list[2]',
    'removed context.gone',
    'added context["new."]',
  ]);
  expect(differencesOf({ a: [] }, { a: {} })).toEqual([
    { path: 'a', kind: 'changed', before: [], after: {} },
  ]);
  expect(differencesOf(before, structuredClone(before))).toEqual([]);
});

test('actors stand below their parents with their snapshots; frames belong to steps', () => {
  const frames = [
    actor('run', at(0, 0)),
    told({ ...at(0, 1), type: '@xstate.event', event: { type: 'xstate.init' } }),
    told({ ...at(1, 0), type: '@xstate.event', event: { type: 'START' } }),
    actor('attempt', { ...at(1, 1), sessionId: 'r/a@1', parentId: 'r' }),
    told({ ...at(1, 2), type: '@xstate.snapshot', snapshot: { status: 'active', value: 'on' } }),
    told({ ...at(2, 0), type: '@xstate.event', event: { type: 'STOP' }, verdict: 'refused' }),
  ];
  const actors = actorsOf(frames);
  expect(actors.map(({ name, depth, snapshots }) => [name, depth, snapshots])).toEqual([
    ['run', 0, [0, 4]],
    ['attempt', 1, [3]],
  ]);
  const [run] = actors;
  expect(run && [snapshotAt(run, 3), snapshotAt(run, 4), snapshotAt(run, 4, 1)]).toEqual([0, 4, 0]);
  const steps = stepsOf(frames);
  expect(steps.map(({ n, first, last }) => [n, first, last])).toEqual([
    [0, 0, 1],
    [1, 2, 4],
    [2, 5, 5],
  ]);
  expect([-1, 0, 4, 5, 99].map((place) => stepAt(steps, place))).toEqual([-1, 0, 1, 2, 2]);
  const all = { q: '', kinds: [], actor: null };
  expect(placesOf(frames, actors, { ...all, actor: 'attempt' })).toEqual([3]);
  expect(placesOf(frames, actors, { ...all, kinds: ['event'], q: 'stop' })).toEqual([5]);
  expect(messagesOf(frames, [0, 1, 2, 3, 4, 5], actors).messages).toMatchObject([
    { kind: 'message', label: 'START' },
    { kind: 'begin', label: 'begins' },
    { kind: 'state', label: 'on' },
    { kind: 'message', label: 'STOP, refused', isRefused: true },
  ]);
});

test('stepping goes from what is shown to what is shown, also from a frame that is not', () => {
  const places = [2, 5, 9];
  expect(placeFrom(places, 5, 1)).toBe(9);
  expect(placeFrom(places, 9, 1)).toBe(9);
  expect(placeFrom(places, 6, 1)).toBe(9);
  expect(placeFrom(places, 6, -1)).toBe(5);
  expect(placeFrom(places, 99, -1)).toBe(9);
  expect(placeFrom(places, 0, 1)).toBe(2);
  expect(placeFrom([], 0, 1)).toBeNull();
});

describe('what comes again and again is drawn once', () => {
  const message = (label: string, place: number): Message => ({
    place,
    kind: 'message',
    from: 0,
    to: 1,
    label,
    tone: 'none',
    isRefused: false,
  });
  const drawn = (text: string, opened: ReadonlySet<number> | 'all' = new Set()): string =>
    foldRepeats([...text].map(message), opened)
      .map((row) =>
        row.kind === 'fold' ? `(${row.length}×${row.times})` : row.message.label.slice(0, 1),
      )
      .join('');

  test.each([
    ['abc', 'abc'],
    ['aab', 'aab'],
    ['xaaaay', 'xa(1×3)y'],
    ['xabcabcabcabcz', 'xabc(3×3)z'],
    ['ababa', 'ababa'],
    ['', ''],
  ])('%s as %s', (given, expected) => expect(drawn(given)).toBe(expected));

  test('and in full where it is opened, with all attempts told apart by their number only', () => {
    expect(drawn('xaaay', new Set([1]))).toBe('xa(1×2)aay');
    expect(drawn('xaaay', 'all')).toBe('xa(1×2)aay');
    const attempts = Array.from({ length: 200 }, (_, n) => message(`attempt ${n}`, n));
    expect(foldRepeats(attempts, new Set())).toHaveLength(2);
  });
});
