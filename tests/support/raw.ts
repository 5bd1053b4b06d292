import { connect, type Socket } from 'node:net';

/** The head of a WebSocket handshake, as text. */
export const handshake = (host: string, path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;

/**
 * A TCP client that says what it is told and then never answers, not even an end: half-open, as
 * behind a NAT that has forgotten it.
 */
export const openRaw = async (url: string, text: string) => {
  const { hostname, port } = new URL(url);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let heard = '';
  const socket: Socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true }, () =>
    socket.write(text, () => opened.resolve()),
  );
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => closed.resolve());
  await opened.promise;
  return {
    socket,
    heard: () => heard,
    closed: closed.promise,
    /** Its end of the connection has been reached: the other side says nothing more. */
    ended: new Promise<void>((resolve) => socket.once('end', resolve)),
  };
};
