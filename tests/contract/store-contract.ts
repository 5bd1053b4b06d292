import type { Clock } from '../../services/host/clock.ts';
import { planSlots } from '../../services/start/plan-slots.ts';
import { drained, processRecorded } from '../../services/store/amendments.ts';
import { fenceOf } from '../../services/store/fence.ts';
import { liveRuns } from '../../services/store/run-view.ts';
import type { SlotRow } from '../../services/store/slot-store.ts';
import { StoreTrouble } from '../../services/store/trouble.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { type ContractStore, plannedTwice } from './planned-twice.ts';
import { id, rigOn } from './rig.ts';

type Place = { place: string; remove: () => Promise<void> };
const all = 1_000_000;
const dayMs = 24 * 3600 * 1000;

/**
 * What every store must do, whichever driver it has. Some of it cannot fail where one process writes
 * at a time; it stands here for stores where it can.
 */
export const storeContract = (
  name: string,
  newPlace: () => Promise<Place>,
  openAt: (place: string, clock: Clock) => Promise<ContractStore>,
): void =>
  describe(`${name} as a store`, () => {
    let at: Place;
    let clock: ManualClock;
    let store: ContractStore;
    /** Another connection to the same store: another service. */
    let other: ContractStore;
    beforeEach(async () => {
      at = await newPlace();
      clock = manualClock();
      store = plannedTwice(await openAt(at.place, clock));
      other = plannedTwice(await openAt(at.place, clock));
    });
    afterEach(async () => {
      await store.close();
      await other.close();
      await at.remove();
    });
    const history = async (runId: string) => ({
      ledger: (await store.ledger(runId, { after: 0, limit: all })).map((row) =>
        JSON.stringify(row),
      ),
      journal: (await store.journal({ after: 0, limit: all })).events.map((row) =>
        JSON.stringify(row),
      ),
    });

    test('when a pipeline last ran and last succeeded is known without its runs, and live runs are counted', async () => {
      const rig = rigOn(store, clock);
      expect(await store.figures()).toEqual({ pipelines: [], live: [] });
      await rig.begin(rig.requestOf(id(1)));
      const [begun] = (await other.figures()).pipelines;
      expect(begun).toMatchObject({
        lastRunAt: null,
        lastSuccessAt: null,
        lastSlotAt: null,
        failures: 0,
        isBlocked: false,
      });
      expect((await other.figures()).live).toEqual([
        { pipeline: begun?.pipeline, state: 'running', count: 1 },
      ]);
    });

    test('I3: two services that start at the same time for one lock begin one run, and the other is refused with its id', async () => {
      const [a, b] = [rigOn(store, clock), rigOn(other, clock)];
      const begun = await Promise.all([a.begin(a.requestOf(id(1))), b.begin(b.requestOf(id(2)))]);
      const [first, second] = begun;
      expect(first?.kind).toBe('begun');
      expect(second).toMatchObject({ kind: 'refused', owner: { runId: id(1) } });
      expect((await store.queue('k')).holders.map(({ runId }) => runId)).toEqual([id(1)]);
      expect((await store.journal({ event: 'refused', limit: 10 })).events.length).toBe(1);
    });

    test('I3: a lock of three has three places, each held by one run, and the lowest free one is given next', async () => {
      const on = rigOn(store, clock);
      const three = { limit: 3, onConflict: 'queue' as const };
      for (const n of [1, 2, 3, 4, 5]) await on.begin(on.requestOf(id(n), three));
      const places = async () => (await store.queue('k')).holders.map(({ place }) => place).sort();
      expect(await places()).toEqual([1, 2, 3]);
      await on.finish(id(2));
      expect(await places()).toEqual([1, 3]);
      expect(await on.admit(id(4))).not.toBeNull();
      expect((await store.queue('k')).holders.find(({ runId }) => runId === id(4))?.place).toBe(2);
      expect(await on.admit(id(5))).toBeNull();
    });

    test('only the first of a queue is admitted, runs stand in the order of their starts, and a start never passes those that wait', async () => {
      const on = rigOn(store, clock);
      const queue = { onConflict: 'queue' as const };
      for (const n of [3, 1, 2]) await on.begin(on.requestOf(id(n), queue));
      expect((await store.queue('k')).waiters.map(({ runId }) => runId)).toEqual([id(1), id(2)]);
      await on.finish(id(3));
      // The place is free, and nobody has been admitted yet.
      const late = await on.begin(on.requestOf(id(4)));
      expect(late).toMatchObject({ kind: 'refused', owner: { runId: id(1) }, waiting: 2 });
      expect(await on.admit(id(2))).toBeNull();
      expect((await on.admit(id(1)))?.run.lock).toMatchObject({ key: 'k' });
      expect(await on.admit(id(1))).toBeNull();
      const waiting = await store.runs({ state: 'QUEUED', limit: 10 });
      expect(waiting.items.map(({ runId }) => runId)).toEqual([id(2)]);
    });

    test('I4: what was committed is there for another service at once, and after the store was closed', async () => {
      const on = rigOn(store, clock);
      await on.begin(on.requestOf(id(1)));
      const committed = await on.stop(id(1));
      const seen = await other.run(id(1));
      expect(seen?.run.version).toBe(committed?.committed.run.version);
      await store.close();
      store = plannedTwice(await openAt(at.place, clock));
      expect((await store.run(id(1)))?.run.projection).toEqual(seen?.run.projection);
      expect(await store.epoch).toBe(other.epoch);
    });

    test('I5: a step that fails after it was decided leaves no effect, no event and no row', async () => {
      const on = rigOn(store, clock);
      await on.begin(on.requestOf(id(1)));
      const before = [await history(id(1)), await store.run(id(1)), await store.effects()];
      const failing = store.step(id(1), ({ run }) => {
        throw new Error(`the machine stumbles over ${run.runId}`);
      });
      await expect(failing).rejects.toThrow('stumbles');
      const start = store.begin(
        { pipeline: 'sample', lockKey: 'other', idempotencyKey: null, slot: null },
        () => {
          throw new Error('the plan stumbles');
        },
      );
      await expect(start).rejects.toThrow('stumbles');
      expect([await history(id(1)), await store.run(id(1)), await store.effects()]).toEqual(before);
    });

    test('the version fence: a decision upon a version that has gone is not written, whatever else the run is', async () => {
      const on = rigOn(store, clock);
      await on.begin(on.requestOf(id(1)));
      const stale = await store.run(id(1));
      await on.answer(id(1), 'preflight');
      const before = [await history(id(1)), await store.effects()];
      let decided: unknown;
      // As if another process had written between the read and the write of this one.
      const late = store.step(id(1), (facts) => {
        const base = { ...facts.run, version: (stale?.run.version ?? 0) - 1 };
        decided = base;
        Object.assign(facts.run, { version: base.version });
        return {
          at: clock.wallMs(),
          ledger: {
            version: base.version + 1,
            from: 'x',
            to: 'y',
            event: { type: 'TEST' },
            cause: { kind: 'command' },
            guards: [],
            verdict: 'accepted',
            why: null,
          },
          events: [],
          next: {
            snapshot: {},
            projection: facts.run.projection,
            ended: false,
            begins: false,
            freesLock: false,
          },
          remove: [],
          drop: [],
          born: [],
          disarm: [],
          arm: [],
        };
      });
      await expect(late).rejects.toThrow('moved while it was decided upon');
      expect(decided).toBeDefined();
      expect([await history(id(1)), await store.effects()]).toEqual(before);
    });

    test('a transaction that the store gives up after it was planned is planned and written once more, and leaves one run', async () => {
      const on = rigOn(store, clock);
      let tries = 0;
      const raw = await openAt(at.place, { ...clock, sleep: async () => {} });
      const flaky: ContractStore = {
        ...raw,
        begin: (question, plan) =>
          raw.begin(question, (facts) => {
            const planned = plan(facts);
            tries += 1;
            if (tries === 1) throw new StoreTrouble('busy', 'gave the transaction up');
            return planned;
          }),
      };
      const again = rigOn(flaky, clock);
      expect((await again.begin(again.requestOf(id(1)))).kind).toBe('begun');
      expect(tries).toBe(2);
      expect((await liveRuns(store)).map(({ number }) => number)).toEqual([1]);
      expect((await on.answer(id(1), 'preflight'))?.verdict).toBe('accepted');
      await raw.close();
    });

    test('I6: a late answer of a dropped attempt, told by another service, is recorded and moves nothing', async () => {
      const [on, elsewhere] = [rigOn(store, clock), rigOn(other, clock)];
      await on.begin(on.requestOf(id(1)));
      await on.answer(id(1), 'preflight');
      const attempt = await on.effectOf(id(1), 'attempt-one');
      await on.stop(id(1));
      const before = await store.run(id(1));
      const late = await elsewhere.deliver(
        id(1),
        { type: 'xstate.done.actor.attempt-one', output: {}, actorId: 'attempt-one' },
        attempt,
      );
      expect(late?.verdict).toBe('stale');
      const after = await store.run(id(1));
      expect([after?.run.version, after?.run.projection, after?.effects]).toEqual([
        before?.run.version,
        before?.run.projection,
        before?.effects,
      ]);
      expect((await store.ledger(id(1), { after: 0, limit: all })).at(-1)?.verdict).toBe('stale');
    });

    test('I13: the lock of an ended run stays while an attempt of it is not proven gone, also when a step says otherwise', async () => {
      const on = rigOn(store, clock);
      await on.begin(on.requestOf(id(1)));
      await on.answer(id(1), 'preflight');
      const attempt = await on.effectOf(id(1), 'attempt-one');
      const fence = fenceOf(attempt);
      const identity = { pid: 1, startTicks: 1, bootId: 'b', pidNamespace: 'n' };
      const record = () =>
        store.amend([{ runId: id(1), change: processRecorded(fence, identity) }], 0);
      expect([await record(), await record()]).toEqual([[true], [false]]);
      await store.step(id(1), ({ run }) => ({
        at: clock.wallMs(),
        ledger: {
          version: run.version + 1,
          from: 'x',
          to: 'failed',
          event: { type: 'TEST' },
          cause: { kind: 'command' },
          guards: [],
          verdict: 'accepted',
          why: null,
        },
        events: [],
        next: {
          snapshot: run.snapshot,
          projection: { ...run.projection, state: 'FAILED' },
          ended: true,
          begins: false,
          freesLock: true,
        },
        remove: [],
        drop: [fence],
        born: [],
        disarm: [],
        arm: [],
      }));
      expect((await store.run(id(1)))?.run.lock).not.toBeNull();
      expect(await on.begin(on.requestOf(id(2)))).toMatchObject({ kind: 'refused' });
      await store.amend([{ runId: id(1), change: drained([fence]) }], clock.wallMs());
      expect([(await store.run(id(1)))?.run.lock, await store.effects()]).toEqual([null, []]);
      expect((await store.journal({ runId: id(1), limit: 1 })).events[0]?.event).toBe('recovered');
    });

    test('I7: the order of the journal is the order of the commits, over all runs and services; run_seq has no gap', async () => {
      const rigs = [rigOn(store, clock), rigOn(other, clock)] as const;
      const keys = [1, 2, 3, 4].map((n) => ({ n, key: `k${n}` }));
      await Promise.all(
        keys.map(async ({ n, key }) => {
          const on = rigs[n % 2 === 0 ? 0 : 1];
          await on.begin(on.requestOf(id(n), { key }));
          await on.finish(id(n));
        }),
      );
      const { events } = await other.journal({ after: 0, limit: all });
      const seqs = events.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(new Set(seqs).size).toBe(seqs.length);
      for (const { n } of keys) {
        const mine = events.filter(({ run_id }) => run_id === id(n));
        expect(mine.map(({ run_seq }) => run_seq)).toEqual(mine.map((_, index) => index + 1));
      }
      // Whoever has read up to a position finds later commits behind it only.
      const { headSeq } = await store.journal({ after: all, limit: 1 });
      await rigs[0].begin(rigs[0].requestOf(id(9), { key: 'k9' }));
      const { events: later } = await other.journal({ after: headSeq, limit: all });
      expect(later.every(({ seq }) => seq > headSeq)).toBe(true);
      expect(later[0]?.event).toBe('accepted');
    });

    test('I10: what stands in ledger and journal is the same, byte by byte, after every later step', async () => {
      const on = rigOn(store, clock);
      await on.begin(on.requestOf(id(1)));
      let before = await history(id(1));
      const steps = [
        () => on.begin(on.requestOf(id(2))),
        () => on.answer(id(1), 'preflight'),
        () => on.deliver(id(1), { type: 'RETRY_NOW', by: 'ann', reason: null }),
        () => on.stop(id(1)),
        () => on.begin(on.requestOf(id(3), { onConflict: 'queue' })),
        async () =>
          store.amend(
            [{ runId: id(1), change: drained([fenceOf(await on.effectOf(id(1), 'attempt-one'))]) }],
            clock.wallMs(),
          ),
        () => on.answer(id(1), 'drain-run'),
        () => on.admit(id(3)),
      ];
      for (const step of steps) {
        await step();
        clock.advance(1000);
        const after = await history(id(1));
        expect(after.ledger.slice(0, before.ledger.length)).toEqual(before.ledger);
        expect(after.journal.slice(0, before.journal.length)).toEqual(before.journal);
        expect(after.journal.length).toBeGreaterThanOrEqual(before.journal.length);
        before = after;
      }
      expect((await store.run(id(3)))?.run.lock).not.toBeNull();
    });

    test('Q15: a key gives its run for a day, also to another service; another body is told so; after a day it starts anew', async () => {
      const [on, elsewhere] = [rigOn(store, clock), rigOn(other, clock)];
      const keyed = (n: number, bodyHash: string, of = on) =>
        of.begin(of.requestOf(id(n), { key: `k${n}` }, { idempotency: { key: 'x', bodyHash } }));
      expect((await keyed(1, 'a')).kind).toBe('begun');
      expect(await keyed(2, 'a', elsewhere)).toMatchObject({
        kind: 'replayed',
        run: { runId: id(1) },
      });
      expect(await keyed(3, 'b')).toMatchObject({ kind: 'key-reused', run: { runId: id(1) } });
      clock.jumpWall(dayMs);
      expect((await keyed(4, 'a')).kind).toBe('replayed');
      clock.jumpWall(1);
      expect((await keyed(5, 'b')).kind).toBe('begun');
      expect((await liveRuns(store)).map(({ runId }) => runId)).toEqual([id(1), id(5)]);
    });

    test('S01: a slot begins one run, whoever asks; one that is decided begins none and leaves nothing', async () => {
      const row = {
        id: 's',
        pipeline: 'sample',
        file: null,
        origin: 'api',
        overrides: {},
      } as const;
      const times = { version: 1, decidedTo: 1000, createdAt: 0, createdBy: 'ann', updatedAt: 0 };
      await store.saveSchedule({ ...row, ...times }, null, [], 0);
      const claim = { scheduleId: 's', backfill: '', slot: 2000, policy: 'overlap: skip' };
      const how = {
        would: '',
        timezone: 'UTC',
        delayMs: 0,
        firing: 'due',
        mayWait: false,
      } as const;
      const slot = { ...claim, ...how };
      const [on, elsewhere] = [rigOn(store, clock), rigOn(other, clock)];
      const kinds = [
        await on.begin(on.requestOf(id(1), { key: 'a' }, { slot })),
        await elsewhere.begin(elsewhere.requestOf(id(2), { key: 'b' }, { slot })),
      ].map(({ kind }) => kind);
      expect(kinds).toEqual(['begun', 'slot-decided']);
      const skipped: SlotRow = {
        ...claim,
        slotTo: 2000,
        count: 1,
        decision: 'skipped',
        runId: null,
        reason: null,
        would: '',
        at: 0,
      };
      const plan = planSlots([skipped], null, { pipeline: 'sample', at: 0 });
      expect(await store.decideSlots([skipped], plan)).toBe(0);
      const decided = await store.slots({ scheduleId: 's', limit: 10 });
      expect(decided.map(({ decision, runId }) => [decision, runId])).toEqual([['started', id(1)]]);
      expect((await store.schedules())[0]?.decidedTo).toBe(2000);
    });
  });
