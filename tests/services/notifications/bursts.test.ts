import { hook, type Outbox, outbox } from './outbox-kit.ts';
import { answers, type Receiver, receiver } from './receiver.ts';

const minute = 60_000;
const hour = 60 * minute;
let to: Receiver;
let on: Outbox;
beforeEach(async () => {
  to = await receiver();
});
afterEach(async () => {
  await on?.close();
  await to.close();
});
const byDefault = (url: string) => ({ webhook: { url, allow_private: true } });

test('fifty messages within a minute are one digest, which says how many of what', async () => {
  on = await outbox({
    channels: { ops: byDefault(to.url) },
    notify: [{ on: ['missed', 'service-degraded'], to: ['ops'] }],
  });
  for (let n = 0; n < 49; n += 1) await on.missed();
  await on.health('disk', 'disk-full');
  await on.pass(0);
  expect(to.got).toEqual([]);
  await on.pass(minute);
  expect(to.got).toHaveLength(1);
  expect(to.got[0]?.json).toMatchObject({
    type: 'digest',
    data: { count: 50, summary: '49 missed, 1 service-degraded', more: 0 },
  });
  expect(to.got[0]?.json.data.notifications).toHaveLength(50);
  expect(new Set(await on.states())).toEqual(new Set(['delivered']));
});

test('sixty pipelines that fail at once are one message for each channel', async () => {
  const other = await receiver();
  on = await outbox({
    channels: { ops: byDefault(to.url), more: byDefault(other.url) },
    notify: [{ on: ['missed'], to: ['ops', 'more'] }],
  });
  for (let n = 1; n <= 60; n += 1) await on.missed(`p${n}`);
  await on.pass(minute);
  expect([to.got.length, other.got.length]).toEqual([1, 1]);
  const named = to.got[0]?.json.data.notifications.map((one: { pipeline: string }) => one.pipeline);
  expect(named).toEqual(Array.from({ length: 60 }, (_, index) => `p${index + 1}`));
  await other.close();
});

test('a digest that was refused stays as it was; what came later is another message', async () => {
  on = await outbox({
    channels: { ops: byDefault(to.url) },
    notify: [{ on: ['missed'], to: ['ops'] }],
  });
  to.now.answer = answers(500);
  await on.missed('a');
  await on.missed('b');
  await on.pass(minute);
  await on.missed('c');
  to.now.answer = answers(200);
  await on.pass(minute);
  await on.pass(minute);
  expect(to.got.map(({ json }) => [json.id, json.data.count ?? 1])).toEqual([
    [to.got[0]?.json.id, 2],
    [to.got[0]?.json.id, 2],
    [to.got[2]?.json.id, 1],
  ]);
  expect(to.got[2]?.json.id).not.toBe(to.got[0]?.json.id);
});

test('in quiet hours messages are held, and told together at their end; another rule may be louder', async () => {
  const loud = await receiver();
  // The clock of the test begins at 2027-01-15 08:00 UTC.
  on = await outbox(
    {
      channels: { ops: hook(to.url), loud: hook(loud.url) },
      notify: [
        { on: ['missed'], to: ['ops', 'loud'], quiet: '22:00-10:00' },
        { on: ['missed'], to: ['loud'] },
      ],
    },
    { timezone: 'Europe/Berlin' },
  );
  await on.missed();
  await on.pass(30 * minute);
  await on.missed();
  await on.pass(0);
  expect([to.got.length, loud.got.length]).toEqual([0, 2]);
  // 10:00 in Berlin is 09:00 UTC.
  await on.pass(29 * minute);
  expect(to.got).toEqual([]);
  await on.pass(minute);
  expect(to.got.map(({ json }) => json.data.count)).toEqual([2]);
  await loud.close();
});

test('repeat tells a trouble that lasts again so often and not more often, also after a restart, until it is over', async () => {
  const file = {
    channels: { ops: hook(to.url) },
    notify: [
      { on: ['missed', 'service-degraded', 'service-recovered'], to: ['ops'], repeat: '4h' },
    ],
  };
  on = await outbox(file);
  const look = async (): Promise<number> => {
    await on.notifications.look();
    await on.notifications.tick();
    return to.got.length;
  };
  await on.missed();
  await on.missed();
  await on.health('disk', 'disk-full');
  expect(await look()).toBe(1);
  expect(to.got[0]?.json.data.count).toBe(2);
  on.clock.advance(4 * hour - 1);
  expect(await look()).toBe(1);
  on.clock.advance(1);
  expect(await look()).toBe(2);
  expect(
    to.got[1]?.json.data.notifications.map((one: { told_before: number }) => one.told_before),
  ).toEqual([1, 1]);
  // The disk had room again while no service was there to say so.
  on.well.add('disk');
  await on.store.note(
    {
      runId: null,
      pipeline: 'p',
      stage: 'pipeline',
      event: 'acknowledged',
      severity: 'info',
      msg: 'acknowledged by ada',
      data: { command: 'ACKNOWLEDGE' },
    },
    on.clock.wallMs(),
  );
  on.clock.advance(4 * hour);
  expect(await look()).toBe(3);
  expect(to.got[2]?.json).toMatchObject({ type: 'service-recovered' });
  on.clock.advance(40 * hour);
  expect(await look()).toBe(3);
  expect(await on.store.troubles()).toEqual([]);
});

test('what waits for a channel that the settings have lost is kept, and health says so', async () => {
  on = await outbox({
    channels: { ops: hook(to.url) },
    notify: [{ on: ['missed'], to: ['ops'] }],
  });
  await on.missed();
  await on.store.addMessages(
    () => ({
      messages: [
        {
          channel: 'gone',
          cause: 'missed',
          pipeline: 'p',
          runId: null,
          message: { cause: 'missed' },
          notBefore: 0,
          dueAt: 0,
        },
      ],
      opens: [],
      closes: [],
    }),
    on.clock.wallMs(),
  );
  await on.pass(hour);
  expect(await on.states()).toEqual(['delivered', 'waiting']);
  await on.notifications.look();
  expect(on.notifications.check()).toMatchObject({
    ok: false,
    code: 'channel-gone',
    detail: '1 message for gone, which the settings do not name any more',
  });
});
