import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Scheduled, scheduled } from '../../support/scheduled.ts';
import { ended, eventually, startRequest } from '../../support/service.ts';

let now: Scheduled;
afterEach(async () => {
  await now.close();
  await rm(now.dir, { recursive: true, force: true });
});

const minuteMs = 60_000;
/** A run works until a file of its name is there: so long as the test wants it to. */
const pipelineOf = (schedules: string[], limit = 1): string =>
  `name: p\nconcurrency: { limit: ${limit} }\nstages:\n  - { name: wait, grace: 100ms, run: [sh, -c, "while [ ! -e go-$STAGEWRIGHT_RUN_ID ]; do sleep 0.01; done"] }\nschedules:\n${schedules.map((one) => `  - { ${one} }\n`).join('')}`;
const live = async () =>
  (await now.orchestrator.runs({ limit: 50 })).items.filter(({ ended_at }) => ended_at === null);
/** Every run that is live works, or waits in the line. */
const calm = () =>
  eventually(now.orchestrator, async () =>
    (await live()).every(({ state }) => state === 'RUNNING_WAIT' || state === 'QUEUED'),
  );
const end = async (runId: string): Promise<void> => {
  await writeFile(join(now.dir, `go-${runId}`), '');
  await ended(now.orchestrator, runId);
};
/** A minute at a time; a run is over when it has worked for so long. */
const pass = async (until: number, runMs: number): Promise<void> => {
  while (now.clock.wallMs() < until) {
    now.clock.advance(minuteMs);
    for (const run of await live())
      if (run.started_at && now.clock.wallMs() - Date.parse(run.started_at) >= runMs)
        await end(run.run_id as string);
    await calm();
    await now.service.tickSchedules();
    await calm();
  }
};
/** One run by hand, so that it is known what is usual. */
const once = async (runMs: number): Promise<void> => {
  const { status } = await now.orchestrator.start(startRequest('p'));
  await calm();
  now.clock.advance(runMs);
  await end(status.run_id as string);
};
const words: Record<string, string> = {
  started: 'start',
  queued: 'queue',
  skipped: 'skip',
  waiting: 'waiting',
};

/** The word of the prediction for what was decided. */
const wordOf = (decision: string, policy: string): string =>
  policy === 'schedules-collide'
    ? 'waiting'
    : decision === 'queued' && policy === 'overlap: cancel_running'
      ? 'cancel_running'
      : (words[decision] ?? decision);
const begins = ['start', 'queue', 'cancel_running'];

test('TIME-1: of two schedules in the same second the later in the file runs next, and neither starves', async () => {
  now = await scheduled(
    pipelineOf(['id: zeta, cron: "*/10 * * * *"', 'id: alpha, cron: "*/20 * * * *"']),
  );
  await pass(Date.parse('2027-01-15T08:20:00Z'), 4 * minuteMs);
  expect([await now.decisions('zeta'), await now.decisions('alpha')]).toEqual([
    ['08:10 started', '08:20 started'],
    ['08:20 waiting'],
  ]);
  expect((await now.slots('alpha'))[0]).toMatchObject({
    policy: 'schedules-collide',
    reason: 'runs next: schedule zeta begins a run in the same second',
  });
  expect(await now.told('queued')).toEqual([
    'the slot 2027-01-15T08:20:00.000Z of schedule alpha waits and runs next: schedule zeta begins a run in the same second',
  ]);
  await pass(Date.parse('2027-01-15T10:00:00Z'), 4 * minuteMs);
  expect((await now.decisions('zeta')).filter((one) => !one.endsWith('started'))).toEqual([]);
  expect((await now.decisions('alpha')).map((one) => one.slice(6))).toEqual([
    ...Array(5).fill('started'),
    'waiting',
  ]);
});

test('TIME-1: a slot whose turn it is begins before one that is due when the place is free', async () => {
  now = await scheduled(pipelineOf(['id: a, cron: "*/10 * * * *"', 'id: b, cron: "20 * * * *"']));
  // Each run is over in the very second of the next slot.
  await pass(Date.parse('2027-01-15T08:50:00Z'), 10 * minuteMs);
  expect(await now.decisions('b')).toEqual(['08:20 started']);
  expect(await now.decisions('a')).toEqual([
    '08:10 started',
    '08:20 started',
    '08:30 skipped',
    '08:40 started',
    '08:50 started',
  ]);
});

test('TIME-1: a slot that waits for its turn still has it after a restart', async () => {
  now = await scheduled(pipelineOf(['id: a, cron: "0 9 * * *"', 'id: b, cron: "0 9 * * *"']));
  await now.at('2027-01-15T09:00:00Z');
  await calm();
  now = await now.again('2027-01-15T09:05:00Z');
  await calm();
  expect(await now.decisions('b')).toEqual(['09:00 waiting']);
  await pass(now.clock.wallMs() + minuteMs, 0);
  expect(await now.decisions('b')).toEqual(['09:00 started']);
});

test('TIME-1: where two runs may be live, two slots of one second both start', async () => {
  now = await scheduled(
    pipelineOf(
      ['id: a, cron: "0 9 * * *"', 'id: b, cron: "0 9 * * *"', 'id: c, cron: "0 9 * * *"'],
      2,
    ),
  );
  await now.at('2027-01-15T09:00:00Z');
  await calm();
  expect(
    [await now.decisions('a'), await now.decisions('b'), await now.decisions('c')].flat(),
  ).toEqual(['09:00 started', '09:00 started', '09:00 waiting']);
});

/** The same numbers for the same seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
};

const kind = ['skip', 'skip', 'queue_one'];
test.each([
  ...[1, 2, 3, 4, 5, 6].map((seed) => [seed, kind] as const),
  ...[7, 8, 9].map((seed) => [seed, [...kind, 'cancel_running']] as const),
])(
  'any set of schedules of one pipeline: what was predicted is what happens, each slot is decided once, and whoever shares its second has its turn (seed %i)',
  async (seed, overlaps) => {
    const random = randomOf(seed);
    const one = <T>(of: readonly T[]): T => of[random(of.length)] as T;
    const ids = ['d', 'c', 'b', 'a'].slice(0, 2 + random(3));
    const schedules = ids.map(
      (id) =>
        `id: ${id}, cron: "${one(['*/10', '*/15', '*/20', '0,30', '5-59/15'])} * * * *", overlap: ${one(overlaps)}`,
    );
    const runMs = (2 + random(11)) * minuteMs;
    now = await scheduled(pipelineOf(schedules));
    await once(runMs);
    const begun = now.clock.wallMs();
    const until = Math.ceil((begun + 100 * minuteMs) / minuteMs) * minuteMs;
    const { items } = await now.orchestrator.upcoming(200);
    const predicted = new Map<string, string>();
    for (const { schedule, slot, predicted: word } of items)
      if (Date.parse(slot) <= until) predicted.set(`${schedule} ${slot}`, word);
    for (const id of ids) {
      const { slots } = await now.orchestrator.previewSchedule({
        id,
        pipeline: null,
        written: {},
        from: null,
        count: 5,
      });
      // The preview of one schedule knows the others.
      for (const { slot, predicted: word } of slots)
        if (Date.parse(slot) <= until)
          expect([id, slot, word]).toEqual([id, slot, predicted.get(`${id} ${slot}`)]);
    }
    await pass(until, runMs);
    const happened = new Map<string, string>();
    for (const id of ids) {
      const slots = await now.slots(id);
      for (const { slot, decision, policy } of slots) {
        if (Date.parse(slot) <= begun) continue;
        expect(happened.has(`${id} ${slot}`)).toBe(false);
        const word = wordOf(decision, policy);
        happened.set(`${id} ${slot}`, word);
      }
    }
    // Whoever shares its second with one before it in the file that began has its turn, unless it waits for one already.
    for (const id of ids)
      for (const { slot, decision, reason } of await now.slots(id)) {
        const others = ids.slice(0, ids.indexOf(id));
        const words = others.map((other) => happened.get(`${other} ${slot}`));
        if (decision === 'skipped' && words.some((word) => begins.includes(word ?? '')))
          expect([schedules, id, slot, reason]).toEqual([
            schedules,
            id,
            slot,
            expect.stringContaining(`of schedule ${id} waits for its turn already`),
          ]);
      }
    const sorted = (map: Map<string, string>) => [...map].map((pair) => pair.join(' ')).toSorted();
    expect([schedules, runMs, ...sorted(happened)]).toEqual([
      schedules,
      runMs,
      ...sorted(predicted),
    ]);
  },
);
