import type { Clock } from '../../services/host/clock.ts';
import type { NewMessage, OutboxPlan } from '../../services/store/outbox-store.ts';
import type { Store } from '../../services/store/store.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { plannedTwice, twice } from './planned-twice.ts';
import { id, rigOn } from './rig.ts';

type Place = { place: string; remove: () => Promise<void> };

const messageTo = (channel: string, more: Partial<NewMessage> = {}): NewMessage => ({
  channel,
  cause: 'failed',
  pipeline: 'sample',
  runId: null,
  message: { cause: 'failed' },
  notBefore: 0,
  dueAt: 0,
  ...more,
});
const writes = (...messages: NewMessage[]) => ({ messages, opens: [], closes: [] });

/** What every store must do for what is told, whichever driver it has. */
export const outboxContract = (
  name: string,
  newPlace: () => Promise<Place>,
  openAt: (place: string, clock: Clock) => Promise<Store>,
): void =>
  describe(`${name} as an outbox`, () => {
    let at: Place;
    let clock: ManualClock;
    let store: Store;
    beforeEach(async () => {
      at = await newPlace();
      clock = manualClock();
      const plain = await openAt(at.place, clock);
      store = {
        ...plain,
        ...plannedTwice(plain),
        outbox: (plan) => plain.outbox(twice(plan)),
        addMessages: (plan, when) => plain.addMessages(twice(plan), when),
      };
    });
    afterEach(async () => {
      await store.close();
      await at.remove();
    });
    const add = (...messages: NewMessage[]) => store.addMessages(() => writes(...messages), 1000);
    const all = async () => (await store.messages({ limit: 100 })).items.reverse();

    test('a message is written with its event, upon the state that its transaction leaves, or neither is', async () => {
      const heard: string[] = [];
      const plan: OutboxPlan = ({ event, run, streak }) => {
        if (event.event !== 'failed' || event.stage !== 'pipeline') return null;
        heard.push(`${run()?.projection.state} ${streak().failures}`);
        return writes(messageTo('ops', { runId: event.runId }));
      };
      store.outbox(plan);
      const on = rigOn(store, clock);
      await on.begin(on.requestOf(id(1)));
      await on.answer(id(1), 'preflight');
      const effect = await on.effectOf(id(1), 'attempt-one');
      const error = { code: 'exit-code', message: 'no', retryable: false };
      await on.deliver(
        id(1),
        { type: 'xstate.error.actor.attempt-one', error, actorId: 'attempt-one' },
        effect,
      );
      for (const { id: drain, kind } of await store.effects())
        if (kind === 'drain') await on.answer(id(1), drain);
      expect(new Set(heard)).toEqual(new Set(['FAILED 1']));
      expect((await all()).map(({ runId }) => runId)).toEqual([id(1)]);
      const broken: OutboxPlan = () => {
        throw new Error('no plan');
      };
      store.outbox(broken);
      const seq = (await store.journal({ limit: 1 })).headSeq;
      const event = {
        stage: 'system',
        event: 'warning',
        severity: 'warning',
        msg: '',
        data: {},
      } as const;
      await expect(store.note({ ...event, runId: null, pipeline: null }, 1)).rejects.toThrow();
      expect((await store.journal({ limit: 1 })).headSeq).toBe(seq);
    });

    test('what is due together stays together under one number, also when more comes before it is settled', async () => {
      const [first, second] = await add(messageTo('ops'), messageTo('ops'), messageTo('more'));
      const held = messageTo('ops', { notBefore: 5000, dueAt: 5000 });
      await add(held);
      const batch = await store.claimMessages('ops', 2000);
      expect([batch?.n, batch?.rows.map(({ n }) => n)]).toEqual([first, [first, second]]);
      await add(messageTo('ops'));
      await store.settleMessages(
        first as number,
        { state: 'waiting', answer: 'no', nextAt: 3000 },
        2000,
      );
      const later = await store.claimMessages('ops', 2500);
      expect(later?.rows).toHaveLength(1);
      await store.settleMessages(
        later?.n as number,
        { state: 'delivered', answer: 'yes', nextAt: null },
        2500,
      );
      const again = await store.claimMessages('ops', 3000);
      expect(again).toMatchObject({ n: first, attempts: 1, firstAt: 2000 });
      expect(again?.rows.map(({ n }) => n)).toEqual([first, second]);
      expect(await store.nextMessageAt(['ops'])).toBe(3000);
      expect(await store.nextMessageAt(['nobody'])).toBeNull();
    });

    test('pages are by number, newest first, and filtered; a retry is due at once and never of what is delivered', async () => {
      const [a, b, c] = (await add(
        messageTo('ops'),
        messageTo('more'),
        messageTo('ops'),
      )) as number[];
      const page = await store.messages({ limit: 2 });
      expect([page.items.map(({ n }) => n), page.next]).toEqual([[c, b], b]);
      const rest = await store.messages({ limit: 2, before: page.next as number });
      expect([rest.items.map(({ n }) => n), rest.next]).toEqual([[a], null]);
      await store.claimMessages('more', 2000);
      await store.settleMessages(
        b as number,
        { state: 'given-up', answer: 'no', nextAt: null },
        2000,
      );
      const given = await store.messages({
        limit: 9,
        channel: 'more',
        state: 'given-up',
        pipeline: 'sample',
      });
      expect(given.items.map(({ n }) => n)).toEqual([b]);
      expect(await store.retryMessage(b as number, 9000)).toBe('given-up');
      expect(await store.claimMessages('more', 9000)).toMatchObject({ n: b, firstAt: 9000 });
      await store.settleMessages(
        b as number,
        { state: 'delivered', answer: 'yes', nextAt: null },
        9000,
      );
      expect(await store.retryMessage(b as number, 9500)).toBe('delivered');
      expect(await store.claimMessages('more', 9500)).toBeNull();
      expect(await store.retryMessage(999, 1)).toBeNull();
    });

    test('old messages are forgotten, never one that waits', async () => {
      const [first] = await add(messageTo('ops'), messageTo('more'));
      await store.claimMessages('ops', 2000);
      await store.settleMessages(
        first as number,
        { state: 'delivered', answer: 'yes', nextAt: null },
        2000,
      );
      expect(await store.prune({ messagesBefore: 1000 })).toBe(0);
      expect(await store.prune({ messagesBefore: 1001 })).toBe(1);
      expect((await all()).map(({ channel }) => channel)).toEqual(['more']);
    });
  });
