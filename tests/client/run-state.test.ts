import fc from 'fast-check';
import { reduce, type StreamState, shownRun, stateOf } from '../../client/run-state.ts';
import type { EventFrame, SnapshotFrame } from '../../wire/frames.ts';
import { applyPatch, patchOf, type RunView } from '../../wire/patch.ts';
import { type Running, runService, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';

const pipelines = {
  'quick.yaml':
    'name: quick\nstages:\n  - { name: one, run: ["true"] }\n  - { name: two, run: ["sh", "-c", "echo \'::stagewright {\\"progress\\":{\\"done\\":1}}\'"] }\n',
  'flaky.yaml':
    'name: flaky\nstages:\n  - { name: one, run: ["sh", "-c", "echo x > $STAGEWRIGHT_WORKSPACE/f; test $STAGEWRIGHT_ATTEMPT = 2"], retry: { limit: 1, backoff: { initial: 10ms } }, files: [ { path: "${run.workspace}/f", min: 1 } ] }\n  - { name: skips, run: ["sh", "-c", "echo \'::stagewright {\\"skip\\":\\"no news\\"}\'"] }\n',
  'fails.yaml': 'name: fails\nstages:\n  - { name: one, run: ["false"], retry: { limit: 0 } }\n',
  'long.yaml': 'name: long\nstages:\n  - { name: one, run: ["sleep", "60"], grace: 1s }\n',
};
type RunFrame = { data: { run: { run_id: string } } };
const actor = { kind: 'user' as const, name: 'test' };

const frameOfSnapshot = async (
  { orchestrator }: Running,
  runId?: string,
): Promise<SnapshotFrame> => {
  const { seq, data } = await orchestrator.streamSnapshot(runId ? { runId } : {}, {
    classic: false,
  });
  // Through JSON, as a socket would carry it.
  return JSON.parse(
    JSON.stringify({ type: 'snapshot', epoch: orchestrator.epoch(), as_of_seq: seq, data }),
  ) as SnapshotFrame;
};
const eventFrames = async ({ orchestrator }: Running): Promise<EventFrame[]> => {
  const { items } = await orchestrator.events({ after: 0, limit: 1000 });
  return items.map((event) => ({
    ...(JSON.parse(JSON.stringify(event)) as typeof event),
    type: 'event',
    prev: event.seq - 1,
    cursor: `x.${event.seq}`,
  }));
};
const fold = (state: StreamState, frames: EventFrame[], upTo: number): StreamState =>
  frames.filter(({ seq }) => seq <= upTo).reduce(reduce, state);

/**
 * Drives one service through everything a run can do, and takes its snapshot after every commit.
 */
const story = async (): Promise<{
  all: SnapshotFrame[];
  single: SnapshotFrame[];
  frames: EventFrame[];
}> => {
  const on = await runService({ pipelines });
  const all: SnapshotFrame[] = [await frameOfSnapshot(on)];
  const single: SnapshotFrame[] = [];
  let followed: string | null = null;
  const taking: Promise<unknown>[] = [];
  const stop = on.orchestrator.onJournal(() => {
    taking.push(frameOfSnapshot(on).then((frame) => all.push(frame)));
    if (followed) taking.push(frameOfSnapshot(on, followed).then((frame) => single.push(frame)));
  });
  const start = async (name: string): Promise<string> =>
    (await on.orchestrator.start(startRequest(name))).status.run_id as string;
  const over = (id: string) =>
    until(async () =>
      ['DONE', 'FAILED', 'STOPPED'].includes((await on.orchestrator.run(id)).state),
    );
  try {
    const long = await start('long');
    followed = await start('flaky');
    await over(await start('quick'));
    await over(followed);
    await on.orchestrator.reset('quick', { force: false, reason: null, actor });
    await on.orchestrator.start(startRequest('long')).catch(() => undefined);
    await over(await start('fails'));
    await over(await start('quick'));
    await on.orchestrator.reset('fails', { force: false, reason: null, actor });
    await on.orchestrator.reset('long', { force: true, reason: null, actor });
    await over(long);
    await over(await start('quick'));
    await Promise.all(taking);
    return { all, single, frames: await eventFrames(on) };
  } finally {
    stop();
    await on.close();
  }
};
let told: Awaited<ReturnType<typeof story>>;
beforeAll(async () => {
  told = await story();
}, 60_000);

/** Progress in between is in snapshots and not in the journal. */
const settled = (state: StreamState): StreamState => ({
  ...state,
  runs: Object.fromEntries(
    Object.entries(state.runs).map(([id, run]) => [
      id,
      run.ended_at === null ? { ...run, progress: null } : run,
    ]),
  ),
});

test('S16: the fold from any snapshot over any prefix of the events equals the snapshot there', () => {
  const { all, frames } = told;
  expect(all.length).toBeGreaterThan(30);
  fc.assert(
    fc.property(fc.nat(all.length - 1), fc.nat(all.length - 1), (one, other) => {
      const [from, to] = [all[one], all[other]].sort(
        (a, b) => (a?.as_of_seq ?? 0) - (b?.as_of_seq ?? 0),
      ) as [SnapshotFrame, SnapshotFrame];
      expect(settled(fold(stateOf(from), frames, to.as_of_seq))).toEqual(settled(stateOf(to)));
    }),
    { numRuns: 500 },
  );
});

test('S16: the same holds for the stream of one run, with its attempts', () => {
  const { single, frames } = told;
  expect(single.length).toBeGreaterThan(5);
  const own = frames.filter(({ run_id }) => run_id === (single[0] as RunFrame).data.run.run_id);
  for (const [index, from] of single.entries())
    for (const to of single.slice(index)) {
      // A run's stream knows the head of the journal only from its own events.
      const folded = { ...fold(stateOf(from), own, to.as_of_seq), as_of_seq: to.as_of_seq };
      expect(settled(folded)).toEqual(settled(stateOf(to)));
    }
  const last = stateOf(single.at(-1) as SnapshotFrame);
  expect(last.attempts.map(({ stage, attempt, state }) => `${stage}/${attempt} ${state}`)).toEqual([
    'one/1 failed',
    'one/2 succeeded',
    'skips/1 skipped',
  ]);
});

test('an event that is known already changes nothing, in whatever order it comes again', () => {
  const { all, frames } = told;
  const end = fold(stateOf(all[0] as SnapshotFrame), frames, Number.POSITIVE_INFINITY);
  for (const frame of frames) expect(reduce(end, frame)).toBe(end);
});

test('a pipeline shows IDLE after a reset and its new run after the next start', () => {
  const { all, frames } = told;
  const resetAt =
    frames.find(({ event, pipeline }) => event === 'acknowledged' && pipeline === 'quick')?.seq ??
    0;
  const begin = stateOf(all[0] as SnapshotFrame);
  expect(shownRun(fold(begin, frames, resetAt - 1), 'quick')).toMatchObject({
    state: 'DONE',
    number: 1,
  });
  expect(shownRun(fold(begin, frames, resetAt), 'quick')).toBeNull();
  expect(shownRun(fold(begin, frames, Number.POSITIVE_INFINITY), 'quick')).toMatchObject({
    state: 'DONE',
    number: 3,
  });
  expect(shownRun(fold(begin, frames, Number.POSITIVE_INFINITY), 'long')).toBeNull();
});

test('a patch turns any view into any other', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant(null),
    fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
  );
  const stages = fc.array(fc.record({ state: value, outputs: value }), {
    minLength: 3,
    maxLength: 3,
  });
  const view = fc.record({ why: value, error: value, progress: value, stages });
  const named = ({ stages: list, ...rest }: { stages: object[] }) =>
    ({
      ...rest,
      stages: list.map((stage, index) => ({ name: `s${index}`, ...stage })),
    }) as unknown as RunView;
  fc.assert(
    fc.property(view, view, (one, other) => {
      const [before, after] = [named(one), named(other)];
      expect(applyPatch(before, patchOf(before, after))).toEqual(after);
    }),
  );
});
