import { createHmac } from 'node:crypto';
import type { Store } from '../../../services/store/store.ts';
import { StoreTrouble } from '../../../services/store/trouble.ts';
import { until } from '../../support/until.ts';
import { hook, type Outbox, outbox } from './outbox-kit.ts';
import { answers, type Receiver, receiver } from './receiver.ts';

const minute = 60_000;
const hour = 60 * minute;
const degraded = { notify: [{ on: ['service-degraded', 'service-recovered'], to: ['ops'] }] };
let to: Receiver;
let on: Outbox;
afterEach(async () => {
  await on?.close();
  await to?.close();
});
const open = async (channel = hook(to.url), more = {}) => {
  on = await outbox({ channels: { ops: channel }, ...degraded }, more);
};

/** The scheme of standardwebhooks.com by its text, with nothing of the library that signs. */
const isSigned = (key: Buffer, { headers, body }: Receiver['got'][number]): boolean => {
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = createHmac('sha256', key).update(content).digest('base64');
  return headers['webhook-signature'] === `v1,${expected}`;
};

test('a message is signed as Standard Webhooks say, and says what happened and where it is seen', async () => {
  to = await receiver();
  const key = Buffer.from('0123456789abcdef01234567');
  const secret = `whsec_${key.toString('base64')}`;
  await open(hook(to.url, { secret_file: '/run/secret' }), {
    files: { '/run/secret': `${secret}\n` },
  });
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect(to.got).toHaveLength(1);
  const [one] = to.got;
  expect(isSigned(key, one as Receiver['got'][number])).toBe(true);
  expect(one?.headers['webhook-id']).toBe(one?.json.id);
  expect(one?.json).toMatchObject({
    type: 'service-degraded',
    data: {
      cause: 'service-degraded',
      subject: 'the service is degraded: disk',
      link: 'http://127.0.0.1:8000/health',
      command: 'stagewright doctor',
    },
  });
  expect(one?.body).not.toContain('whsec_');
  expect(await on.rows()).toMatchObject([
    { state: 'delivered', attempts: 1, answer: 'answered 200' },
  ]);
});

test('a receiver that answers 500 for an hour is asked less and less often, always by the same id, and gets it', async () => {
  to = await receiver(answers(500, {}, 'out of order'));
  await open();
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect(await on.rows()).toMatchObject([
    { state: 'waiting', answer: 'answered 500: out of order' },
  ]);
  expect(on.notifications.check()).toMatchObject({ ok: false, code: 'not-delivered' });
  for (let passed = 0; passed < hour; passed += minute) await on.pass(minute);
  const tries = to.got.length;
  // 5 s, 10 s … 15 min: ten waits reach an hour and a half.
  expect(tries).toBeGreaterThan(6);
  expect(tries).toBeLessThan(13);
  to.now.answer = answers(204);
  await on.pass(15 * minute);
  expect(await on.rows()).toMatchObject([{ state: 'delivered', attempts: tries + 1 }]);
  expect(new Set(to.got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(on.notifications.check()).toMatchObject({ ok: true });
});

test('after 24 hours a message is given up, and health says so until another one arrives', async () => {
  to = await receiver(answers(503));
  await open();
  await on.health('disk', 'disk-full');
  for (let passed = 0; passed <= 25 * hour; passed += 15 * minute) await on.pass(15 * minute);
  expect(await on.rows()).toMatchObject([{ state: 'given-up' }]);
  const tries = to.got.length;
  await on.pass(hour);
  expect(to.got).toHaveLength(tries);
  expect(on.notifications.check()).toMatchObject({ ok: false, code: 'not-delivered' });
  to.now.answer = answers(200);
  await on.health('store', 'store-unavailable');
  await on.notifications.tick();
  expect(on.notifications.check()).toMatchObject({ ok: true });
});

test('410 says that nobody wants it: it is not tried again', async () => {
  to = await receiver(answers(410));
  await open();
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  await on.pass(hour);
  expect(to.got).toHaveLength(1);
  expect(await on.rows()).toMatchObject([
    { state: 'given-up', answer: 'answered 410; it wants no more of this' },
  ]);
});

test('no redirect is followed, and the answer says what to do', async () => {
  to = await receiver();
  const elsewhere = await receiver();
  to.now.answer = answers(302, { Location: `${elsewhere.url}/stolen` });
  await open();
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect(elsewhere.got).toEqual([]);
  expect((await on.rows())[0]?.answer).toContain('redirects are not followed');
  await elsewhere.close();
});

test('a receiver that refuses the connection is told later', async () => {
  to = await receiver();
  await open();
  await to.close();
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect(await on.rows()).toMatchObject([
    { state: 'waiting', answer: 'connect failed (ECONNREFUSED)' },
  ]);
});

test('Retry-After is kept to, within an hour', async () => {
  to = await receiver(answers(429, { 'Retry-After': '600' }));
  await open();
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  await on.pass(9 * minute);
  expect(to.got).toHaveLength(1);
  await on.pass(minute);
  expect(to.got).toHaveLength(2);
});

test('a receiver that closes in the middle of its answer gets the message again, by the same id', async () => {
  to = await receiver((response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half');
    response.socket?.destroy();
  });
  await open();
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect(await on.rows()).toMatchObject([{ state: 'waiting', attempts: 1 }]);
  to.now.answer = answers(200);
  await on.pass(minute);
  const [first, second] = to.got.map(({ headers }) => headers['webhook-id']);
  expect(second).toBe(first);
  expect(await on.states()).toEqual(['delivered']);
});

test('a receiver that takes its time is called again, and keeps no other channel waiting', async () => {
  const asked = Promise.withResolvers<void>();
  to = await receiver(() => asked.resolve());
  const quick = await receiver();
  on = await outbox({
    channels: { slow: hook(to.url), quick: hook(quick.url) },
    notify: [{ on: ['service-degraded'], to: ['slow', 'quick'] }],
  });
  await on.health('disk', 'disk-full');
  const turn = on.notifications.tick();
  await asked.promise;
  await until(async () => (await on.states()).includes('delivered'));
  on.clock.advance(10_000);
  await turn;
  expect((await on.rows()).map(({ channel, state, answer }) => [channel, state, answer])).toEqual([
    ['slow', 'waiting', 'did not answer within 10 s'],
    ['quick', 'delivered', 'answered 200'],
  ]);
  await quick.close();
});

test('the end of the service cuts off what hangs; the next one delivers it by the same id', async () => {
  const asked = Promise.withResolvers<void>();
  to = await receiver(() => asked.resolve());
  await open();
  await on.health('disk', 'disk-full');
  void on.notifications.tick();
  await asked.promise;
  await on.notifications.close();
  expect(await on.rows()).toMatchObject([{ state: 'waiting', attempts: 0 }]);
});

test.each([
  ['its address is private', 'https://10.1.2.3/hook', '10.1.2.3 leads to 10.1.2.3'],
  ['its address is this machine', 'http://127.0.0.1:9/hook', '127.0.0.1 leads to 127.0.0.1'],
  ['its name leads to this machine', 'http://localhost:9/hook', 'localhost leads to'],
  ['it is IPv6 that means IPv4', 'https://[::ffff:192.168.1.1]/', 'which is no public address'],
  ['it is link-local', 'https://169.254.169.254/latest', 'which is no public address'],
])('a receiver is refused when %s', async (_, url, said) => {
  to = await receiver();
  await open({ digest: '0s', webhook: { url } });
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  const [row] = await on.rows();
  expect(row?.state).toBe('waiting');
  expect(row?.answer).toContain(said);
});

test('a secret file that is not there is named, and tried again', async () => {
  to = await receiver();
  await open(hook(to.url, { secret_file: '/run/none' }));
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect(await on.rows()).toMatchObject([
    { state: 'waiting', answer: 'the file /run/none cannot be read (ENOENT)' },
  ]);
  expect(to.got).toEqual([]);
});

test('what the receiver says back shows no secret of the channel', async () => {
  to = await receiver((response, { headers }) =>
    answers(500, {}, `you said ${headers.authorization}`)(response, undefined as never),
  );
  on = await outbox(
    {
      channels: {
        phone: {
          digest: '0s',
          ntfy: { url: `${to.url}/alerts`, token_file: '/t', allow_private: true },
        },
      },
      notify: [{ on: ['service-degraded'], to: ['phone'] }],
    },
    { files: { '/t': 'tk_0123456789abcdef' } },
  );
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  expect((await on.rows())[0]?.answer).toBe('answered 500: you said Bearer ***');
  expect(to.got[0]?.path).toBe('/');
  expect(to.got[0]?.json).toMatchObject({ topic: 'alerts', priority: 4 });
});

test('what was delivered and could not be written down on a full disk is not sent again, and written later', async () => {
  to = await receiver();
  let isFull = true;
  await open(hook(to.url), {
    wrap: (store: Store): Store => ({
      ...store,
      settleMessages: async (...args) => {
        if (isFull) throw new StoreTrouble('full', 'is full: no space is left on the disk');
        await store.settleMessages(...args);
      },
    }),
  });
  await on.health('disk', 'disk-full');
  await on.notifications.tick();
  await on.pass(minute);
  expect([to.got.length, await on.states()]).toEqual([1, ['waiting']]);
  isFull = false;
  await on.pass(minute);
  expect([to.got.length, await on.states()]).toEqual([1, ['delivered']]);
});
