import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../services/host/clock.ts';
import { rewound } from '../../../services/scheduler/slot-words.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { planSlots } from '../../../services/start/plan-slots.ts';
import type { SlotRow } from '../../../services/store/slot-store.ts';
import type { Store } from '../../../services/store/store.ts';

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-slots-'));
  store = openSqliteStore({
    path: join(dir, 'db.sqlite'),
    synchronous: 'NORMAL',
    clock: systemClock,
  });
  const row = {
    id: 's',
    pipeline: 'p',
    file: null,
    origin: 'api' as const,
    overrides: {},
    version: 1,
    decidedTo: 1000,
  };
  await store.saveSchedule({ ...row, createdAt: 0, createdBy: 'ann', updatedAt: 0 }, null, [], 0);
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

const slot = (at: number, decision: SlotRow['decision'], more: Partial<SlotRow> = {}): SlotRow => ({
  scheduleId: 's',
  backfill: '',
  slot: at,
  slotTo: at,
  count: 1,
  decision,
  runId: null,
  reason: null,
  policy: '',
  would: '',
  at: 0,
  ...more,
});
const decide = (...rows: SlotRow[]): Promise<number> =>
  store.decideSlots(rows, planSlots(rows, null, { pipeline: 'p', at: 0 }));
const decided = async (backfill?: string) =>
  (
    await store.slots({ scheduleId: 's', limit: 100, ...(backfill !== undefined && { backfill }) })
  ).map(({ slot: at, decision }) => [at, decision]);

test('a slot up to the mark is decided, with a row of its own or without; a later one is decided once', async () => {
  expect(await decide(slot(1000, 'skipped'))).toBe(0);
  expect(
    await decide(slot(1500, 'missed', { slotTo: 4000, count: 6 }), slot(5000, 'skipped')),
  ).toBe(2);
  expect(await decide(slot(3000, 'skipped'), slot(5000, 'missed'))).toBe(0);
  expect(await decided()).toEqual([
    [5000, 'skipped'],
    [1500, 'missed'],
  ]);
  expect((await store.schedules())[0]?.decidedTo).toBe(5000);
});

test('of rows that are decided together the later do not shut out the earlier', async () => {
  expect(await decide(slot(3000, 'skipped'), slot(2000, 'missed'))).toBe(2);
});

test('one that waits may still become something else, once', async () => {
  await decide(slot(2000, 'waiting'));
  expect((await store.slots('oldestWaiting')).map(({ slot: at }) => at)).toEqual([2000]);
  expect(await decide(slot(2000, 'missed'))).toBe(1);
  expect(await decide(slot(2000, 'skipped'))).toBe(0);
  expect([await decided(), await store.slots('oldestWaiting')]).toEqual([[[2000, 'missed']], []]);
});

test('a backfill decides slots of its own, whatever the schedule has decided; one that it does not hold is none of its', async () => {
  const event = {
    stage: 'scheduler',
    event: 'changed' as const,
    severity: 'info' as const,
    msg: '',
    data: {},
  };
  const made = {
    id: 'b_1',
    scheduleId: 's',
    from: 0,
    to: 900,
    by: 'ann',
    reason: null,
    at: 0,
    cancelledBy: null,
  };
  const slots = [slot(500, 'waiting', { backfill: 'b_1' })];
  await store.saveBackfill(made, () => ({ slots, event }), 'p', 0);
  expect(
    await decide(
      slot(500, 'skipped', { backfill: 'b_1' }),
      slot(600, 'skipped', { backfill: 'b_1' }),
    ),
  ).toBe(1);
  expect([await decided('b_1'), await decided('')]).toEqual([[[500, 'skipped']], []]);
  expect((await store.schedules())[0]?.decidedTo).toBe(1000);
});

test('what was missed in a time that had not come is open again after a rewind, what ran is not', async () => {
  await decide(
    slot(2000, 'started'),
    slot(2500, 'missed', { slotTo: 8000, count: 9 }),
    slot(9000, 'started'),
  );
  await store.decideSlots([], () => rewound({ id: 's', pipeline: 'p' }, 3000));
  expect(await decide(slot(4000, 'skipped'), slot(9000, 'skipped'))).toBe(1);
  expect(await decided()).toEqual([
    [9000, 'started'],
    [4000, 'skipped'],
    [2500, 'missed'],
    [2000, 'started'],
  ]);
});

test('retention keeps the newest decisions and whatever waits', async () => {
  await decide(
    ...[2000, 3000, 4000, 5000].map((at) => slot(at, at === 2000 ? 'waiting' : 'skipped')),
  );
  expect(await store.prune({ slotsBeyond: 2 })).toBe(1);
  expect(await decided()).toEqual([
    [5000, 'skipped'],
    [4000, 'skipped'],
    [2000, 'waiting'],
  ]);
});

test('a schedule that is removed takes its mark along and cancels what waits; of two changes of one version one is written', async () => {
  await decide(slot(2000, 'waiting'));
  const event = {
    stage: 'scheduler',
    event: 'changed' as const,
    severity: 'info' as const,
    msg: '',
    data: {},
  };
  const [row] = await store.schedules();
  if (!row) throw new Error('no schedule');
  expect(await store.saveSchedule({ ...row, version: 2 }, 1, [], 0)).toBe(true);
  expect(await store.saveSchedule({ ...row, version: 2 }, 1, [], 0)).toBe(false);
  const removed = { id: 's', pipeline: 'p', isRemoved: true } as const;
  expect(await store.saveSchedule(removed, 1, [event], 0)).toBe(false);
  expect(await store.saveSchedule(removed, 2, [event], 0)).toBe(true);
  expect([await decided(), await decide(slot(9000, 'skipped'))]).toEqual([
    [[2000, 'cancelled']],
    0,
  ]);
});
