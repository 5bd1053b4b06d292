import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { leftOpen } from '../../support/left-open.ts';

type Mail = { user: string | null; from: string; to: string[]; raw: string };

/** A real SMTP server that keeps what it takes; `refuses` is what it says to the content instead. */
export const mailServer = async ({
  password,
  secure = false,
  host = '127.0.0.1',
}: {
  password?: string;
  secure?: boolean;
  host?: string;
} = {}) => {
  const mails: Mail[] = [];
  const now: { refuses: string | null } = { refuses: null };
  const server = new SMTPServer({
    disabledCommands: password === undefined ? ['STARTTLS', 'AUTH'] : ['STARTTLS'],
    secure,
    allowInsecureAuth: true,
    authOptional: password === undefined,
    logger: false,
    onAuth: ({ username, password: given }, _session, done) =>
      given === password
        ? done(null, { user: username ?? '' })
        : done(Object.assign(new Error('wrong password'), { responseCode: 535 })),
    onData: (stream, session, done) => {
      void text(stream).then((raw) => {
        if (now.refuses !== null)
          return done(Object.assign(new Error(now.refuses), { responseCode: 451 }));
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          user: session.user === undefined ? null : String(session.user),
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          raw,
        });
        done(null, 'kept');
      });
    },
  });
  server.on('error', () => {});
  server.listen(0, host);
  await once(server.server, 'listening');
  const close = async (): Promise<void> => {
    if (!leftOpen.delete(close)) return;
    await new Promise<void>((resolve) => {
      server.close(resolve);
    });
  };
  leftOpen.add(close);
  const { port } = server.server.address() as AddressInfo;
  return { port, mails, now, close };
};
