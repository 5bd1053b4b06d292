import { connect, type Socket } from 'node:net';

/**
 * A WebSocket client that stops reading when it is told to: what a browser in a frozen tab is to
 * the service. Frames of the server are plain (no mask, no compression), so their text is simply
 * found.
 */
export const openSlowClient = async (url: string, path: string) => {
  const { hostname, port, host } = new URL(url);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let bytes = 0;
  const socket: Socket = connect(Number(port), hostname, () => {
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
  });
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    opened.resolve();
  });
  socket.on('error', () => {});
  socket.on('close', () => closed.resolve());
  await opened.promise;
  return {
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    received: () => bytes,
    closed: closed.promise,
    destroy: () => socket.destroy(),
  };
};
