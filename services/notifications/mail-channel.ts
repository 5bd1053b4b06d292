import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { type ChannelOf, isLoopbackHost } from '../host/channel-settings.ts';
import { type DeliveryTools, within } from './delivery.ts';
import type { Parcel } from './message.ts';
import { subjectOf, textOf } from './message-words.ts';

const stepMs = 10_000;
const timeoutMs = 30_000;

/** A connection that ends with the signal, whatever the server does. */
const connected = (host: string, port: number, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });

/** A mail of plain text. Off this machine it is sent over TLS, or not at all. */
export const sendMail = (
  { url, password_file, from, to }: ChannelOf<'smtp'>,
  parcel: Parcel,
  tools: DeliveryTools,
): Promise<string> => {
  const { protocol, hostname, port, username } = new URL(url);
  const isTls = protocol === 'smtps:';
  const user = decodeURIComponent(username);
  const pass = password_file ? tools.secret(password_file) : '';
  const host = hostname.replaceAll(/^\[|\]$/g, '');
  const server = {
    host,
    port: port === '' ? (isTls ? 465 : 587) : Number(port),
    secure: isTls,
    requireTLS: !isTls && !isLoopbackHost(hostname),
    ignoreTLS: !isTls && isLoopbackHost(hostname),
    ...(user !== '' && { auth: { user, pass } }),
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    // Nothing of ours is read from a file or an address that a text could name.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return within(tools, timeoutMs, async (signal) => {
    const connection = await connected(host, server.port, signal);
    try {
      const { response } = await createTransport({ ...server, connection }).sendMail({
        from: { name: 'Stagewright', address: from },
        to,
        subject: `[Stagewright] ${subjectOf(parcel)}`,
        text: `${textOf(parcel, tools.base)}\n`,
        // The same each time it is tried: mailboxes show it once.
        messageId: `<${parcel.id}@stagewright>`,
        date: new Date(parcel.at),
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return `answered ${String(response).slice(0, 200)}`;
    } finally {
      connection.destroy();
    }
  });
};
