import { Webhook } from 'standardwebhooks';
import { withoutControls } from '../../definition/free-text.ts';
import { sendRequest } from '../../stages/http-request.ts';
import type { ChannelOf } from '../host/channel-settings.ts';
import { type DeliveryTools, NotDelivered, within } from './delivery.ts';
import type { Message, Parcel } from './message.ts';
import { linkOf, payloadOf, subjectOf, textOf } from './message-words.ts';
import { assertPublicHost, publicLookup } from './public-address.ts';

/** A receiver that takes longer is called again. */
const timeoutMs = 10_000;
const maxAnswerBytes = 64 * 1024;
const maxRetryAfterMs = 3_600_000;

type Posted = {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  allowPrivate: boolean;
};

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), within an hour. */
const retryAfter = (header: string | undefined, nowMs: number): number | null => {
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), maxRetryAfterMs) : null;
};

const urlOf = (text: string): URL => {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new NotDelivered('the file does not hold an address such as https://example.org/…');
  return url;
};

/** One request, and what was answered. @throws NotDelivered when that is no success */
const send = async (tools: DeliveryTools, asked: Posted): Promise<string> => {
  const url = urlOf(asked.url);
  if (!asked.allowPrivate) assertPublicHost(url.hostname);
  const body = asked.body ?? null;
  const answer = await within(tools, timeoutMs, (signal) =>
    sendRequest({
      method: asked.method,
      url,
      headers: {
        'User-Agent': 'Stagewright',
        ...(body !== null && { 'Content-Length': String(Buffer.byteLength(body)) }),
        ...asked.headers,
      },
      body,
      maxBytes: maxAnswerBytes,
      signal,
      alive: () => {},
      ...(!asked.allowPrivate && { lookup: publicLookup }),
    }),
  );
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return `answered ${status}`;
  if (status >= 300 && status < 400)
    throw new NotDelivered(
      `answered ${status}: redirects are not followed, so give the channel the address it leads to`,
    );
  const said = withoutControls(answer.body.toString('utf8').slice(0, 200)).replaceAll(/\s+/g, ' ');
  throw new NotDelivered(`answered ${status}${said.trim() ? `: ${said.trim()}` : ''}`, {
    isGone: status === 410,
    retryAfterMs: retryAfter(headers['retry-after'], tools.clock.wallMs()),
  });
};

const json = { 'Content-Type': 'application/json' };

/** `whsec_…` is base64 (standardwebhooks.com); anything else is the secret as it stands. */
const signerOf = (secret: string): Webhook =>
  secret.startsWith('whsec_') ? new Webhook(secret) : new Webhook(secret, { format: 'raw' });

export const postWebhook = (
  { url, secret_file, allow_private: allowPrivate }: ChannelOf<'webhook'>,
  parcel: Parcel,
  tools: DeliveryTools,
): Promise<string> => {
  const body = JSON.stringify(payloadOf(parcel, tools.base));
  // Of this attempt: a receiver refuses what is old, and knows a repetition by its id.
  const at = new Date(tools.clock.wallMs());
  const headers = {
    ...json,
    'webhook-id': parcel.id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    ...(secret_file && {
      'webhook-signature': signerOf(tools.secret(secret_file)).sign(parcel.id, at, body),
    }),
  };
  return send(tools, { method: 'POST', url, headers, body, allowPrivate });
};

/** Slack's own signs (docs.slack.dev, formatting): what is told must not become a link or a mention. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export const postSlack = (
  { url_file, allow_private: allowPrivate }: ChannelOf<'slack'>,
  parcel: Parcel,
  tools: DeliveryTools,
): Promise<string> => {
  const text = escaped(textOf(parcel, tools.base)).replaceAll('```', "'''");
  const body = JSON.stringify({ text: `*${escaped(subjectOf(parcel))}*\n\`\`\`${text}\`\`\`` });
  const url = tools.secret(url_file);
  return send(tools, { method: 'POST', url, headers: json, body, allowPrivate });
};

const urgent: readonly Message['cause'][] = [
  'failed',
  'missed',
  'blocked',
  'stuck',
  'service-degraded',
];

/** As JSON, because headers cannot hold every letter (docs.ntfy.sh/publish). */
export const postNtfy = (
  { url, token_file, allow_private: allowPrivate }: ChannelOf<'ntfy'>,
  parcel: Parcel,
  tools: DeliveryTools,
): Promise<string> => {
  const topicUrl = new URL(url);
  const topic = topicUrl.pathname.split('/').filter(Boolean).at(-1) ?? '';
  const click = linkOf(parcel.messages[0]?.path ?? '/', tools.base);
  const body = JSON.stringify({
    topic,
    title: subjectOf(parcel),
    // Beyond 4,096 bytes it would become an attachment.
    message: textOf(parcel, tools.base).slice(0, 1200),
    priority: parcel.messages.some(({ cause }) => urgent.includes(cause)) ? 4 : 3,
    ...(click !== null && { click }),
  });
  const headers = {
    ...json,
    ...(token_file && { Authorization: `Bearer ${tools.secret(token_file)}` }),
  };
  const root = new URL('.', topicUrl).href;
  return send(tools, { method: 'POST', url: root, headers, body, allowPrivate });
};

/** Nothing but the call itself: who is called counts that it comes. */
export const ping = (
  { url, url_file, allow_private: allowPrivate }: ChannelOf<'ping'>,
  _parcel: Parcel,
  tools: DeliveryTools,
): Promise<string> =>
  send(tools, { method: 'GET', url: url ?? tools.secret(url_file ?? ''), allowPrivate });
