import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { mailServer } from './mail-server.ts';
import { type Outbox, outbox } from './outbox-kit.ts';

let on: Outbox;
let server: Awaited<ReturnType<typeof mailServer>>;
afterEach(async () => {
  await on?.close();
  await server?.close();
});
const open = async (port: number, more: object = {}, files: Record<string, string> = {}) => {
  const from = 'stagewright@example.org';
  const smtp = { url: `smtp://127.0.0.1:${port}`, from, to: ['me@example.org', 'you@example.org'] };
  on = await outbox(
    {
      public_url: 'https://runs.example.org/base',
      channels: { mail: { digest: '0s', smtp: { ...smtp, ...more } } },
      notify: [{ on: ['missed'], to: ['mail'] }],
    },
    { files },
  );
};
const header = (raw: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(raw)?.[1]?.trim();

test('a mail is plain text that says what happened and what to do, with a short subject', async () => {
  server = await mailServer();
  await open(server.port);
  await on.missed();
  await on.notifications.tick();
  const [mail] = server.mails;
  expect(mail).toMatchObject({
    from: 'stagewright@example.org',
    to: ['me@example.org', 'you@example.org'],
  });
  const raw = mail?.raw ?? '';
  expect(header(raw, 'subject')).toBe('[Stagewright] p did not run');
  expect(header(raw, 'content-type')).toMatch(/^text\/plain/);
  expect(header(raw, 'auto-submitted')).toBe('auto-generated');
  const [, body = ''] = raw.split('\r\n\r\n', 2);
  expect(raw).toContain('schedule nightly missed 1 slot');
  expect(raw.replaceAll('=\r\n', '')).toContain('https://runs.example.org/base/pipelines/p');
  expect(body).not.toContain('<');
  expect((await on.rows())[0]).toMatchObject({ state: 'delivered', answer: 'answered 250 kept' });
});

test('the password is read from its file; a wrong one is said in the words of the server, and tried again', async () => {
  server = await mailServer({ password: 'right-0123' });
  const files = { '/pw': 'wrong-0123\n' };
  await open(
    server.port,
    { url: `smtp://me%40example.org@127.0.0.1:${server.port}`, password_file: '/pw' },
    files,
  );
  await on.missed();
  await on.notifications.tick();
  const [row] = await on.rows();
  expect(row).toMatchObject({ state: 'waiting', attempts: 1 });
  expect(row?.answer).toContain('wrong password');
  expect(row?.answer).not.toContain('wrong-0123');
  files['/pw'] = 'right-0123\n';
  await on.pass(60_000);
  expect(server.mails).toMatchObject([{ user: 'me@example.org' }]);
  expect(server.mails[0]?.raw).not.toContain('right-0123');
});

test('a server that takes no content now gets the mail later, by the same Message-ID', async () => {
  server = await mailServer();
  await open(server.port);
  server.now.refuses = 'try again later';
  await on.missed();
  await on.notifications.tick();
  expect((await on.rows())[0]?.answer).toContain('try again later');
  server.now.refuses = null;
  await on.pass(60_000);
  const [row] = await on.rows();
  expect(row?.state).toBe('delivered');
  expect(header(server.mails[0]?.raw ?? '', 'message-id')).toBe(
    `<msg_${on.store.epoch}_${row?.n}@stagewright>`,
  );
});

test('a server that says nothing is left after its time, and nothing stays connected to it', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await open((silent.address() as AddressInfo).port);
  await on.missed();
  const turn = on.notifications.tick();
  await once(silent, 'connection');
  const [socket] = sockets;
  const left = once(socket as Socket, 'close');
  await on.notifications.close();
  await turn;
  await left;
  expect(await on.rows()).toMatchObject([{ state: 'waiting', attempts: 0 }]);
  silent.close();
});

test('what a stage wrote adds no header and no line to the subject', async () => {
  server = await mailServer();
  await open(server.port);
  await on.missed('p\r\nBcc: evil@example.org');
  await on.notifications.tick();
  const raw = server.mails[0]?.raw ?? '';
  expect(header(raw, 'bcc')).toBeUndefined();
  expect(header(raw, 'subject')).toContain('p Bcc: evil@example.org did not run');
  expect(server.mails[0]?.to).toEqual(['me@example.org', 'you@example.org']);
});

test('a server whose certificate nobody vouches for gets nothing, and is named for that', async () => {
  server = await mailServer({ secure: true });
  await open(server.port, { url: `smtps://127.0.0.1:${server.port}` });
  await on.missed();
  await on.notifications.tick();
  const [row] = await on.rows();
  expect([row?.state, server.mails.length]).toEqual(['waiting', 0]);
  expect(row?.answer).toMatch(/certificate/);
});

test('off this machine nothing is sent, and no password said, where TLS is not to be had', async () => {
  server = await mailServer({ password: 'right-0123', host: '127.0.0.2' });
  const url = `smtp://me@127.0.0.2:${server.port}`;
  await open(server.port, { url, password_file: '/pw' }, { '/pw': 'right-0123' });
  await on.missed();
  await on.notifications.tick();
  const [row] = await on.rows();
  expect([row?.state, server.mails.length]).toEqual(['waiting', 0]);
  expect(row?.answer).toMatch(/STARTTLS/);
});
