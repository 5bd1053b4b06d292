import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

type HttpRequest = {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | null;
  /** Of the answer's body; what comes after is not read. */
  maxBytes: number;
  /** Resolves names; by default the system's. */
  lookup?: LookupFunction;
  /** Ends the request and closes its socket. */
  signal: AbortSignal;
  /** The head of the answer, or a part of its body, has come. */
  alive(): void;
};
type HttpAnswer = {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** There was more of the body than may be read. */
  isCut: boolean;
};

/**
 * One request on a connection of its own: a redirect is an answer, nothing is unpacked, and there is
 * no limit of time beside the signal's (the built-in `fetch` gives up after five minutes).
 */
export const sendRequest = (asked: HttpRequest): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const send = asked.url.protocol === 'https:' ? tlsRequest : plainRequest;
    const { method, headers, signal, lookup } = asked;
    const more = lookup ? { lookup } : {};
    const outgoing = send(asked.url, { method, headers, signal, agent: false, ...more });
    let isAnswered = false;
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      isAnswered = true;
      asked.alive();
      read(incoming, asked).then(resolve, reject);
    });
    // An upgrade that nobody asked for closes the connection without an error.
    outgoing.on('close', () => isAnswered || reject(new Error('the connection was closed')));
    outgoing.end(asked.body ?? undefined);
  });

const read = async (
  incoming: IncomingMessage,
  { maxBytes, alive }: HttpRequest,
): Promise<HttpAnswer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the stream, and with it the socket.
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    alive();
    bytes += chunk.length;
    if (bytes > maxBytes) break;
    chunks.push(chunk);
  }
  const headers = Object.entries(incoming.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  return {
    status: incoming.statusCode as number,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
    isCut: bytes > maxBytes,
  };
};
