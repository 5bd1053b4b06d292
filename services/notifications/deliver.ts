import { withoutControls } from '../../definition/free-text.ts';
import { type Mask, maskOfValues } from '../../stages/mask.ts';
import type { Channel } from '../host/channel-settings.ts';
import type { Clock } from '../host/clock.ts';
import { plainError } from '../host/plain-error.ts';
import { type DeliveryTools, NotDelivered } from './delivery.ts';
import { sendMail } from './mail-channel.ts';
import type { Message, Parcel } from './message.ts';
import { runScript } from './script-channel.ts';
import { ping, postNtfy, postSlack, postWebhook } from './web-channels.ts';

export type DeliveryResult = {
  isDelivered: boolean;
  /** What the receiver said, or why nobody did; masked. */
  answer: string;
  isGone: boolean;
  retryAfterMs: number | null;
};
type Tools = DeliveryTools & { env: Record<string, string> };

const send = (channel: Channel, parcel: Parcel, tools: Tools): Promise<string> => {
  switch (channel.kind) {
    case 'webhook':
      return postWebhook(channel, parcel, tools);
    case 'smtp':
      return sendMail(channel, parcel, tools);
    case 'slack':
      return postSlack(channel, parcel, tools);
    case 'ntfy':
      return postNtfy(channel, parcel, tools);
    case 'script':
      return runScript(channel, parcel, tools);
    case 'ping':
      return ping(channel, parcel, tools);
  }
};

/** Values of the channel's own files: they stand in no answer and in no message. */
const readSecrets = (readFile: (path: string) => string) => {
  const values: string[] = [];
  const secret = (path: string): string => {
    let value: string;
    try {
      value = readFile(path).replace(/\r?\n$/, '');
    } catch (error) {
      const { code } = error as { code?: string };
      throw new NotDelivered(`the file ${path} cannot be read (${code ?? 'unreadable'})`);
    }
    if (value === '') throw new NotDelivered(`the file ${path} is empty`);
    values.push(value);
    return value;
  };
  return { secret, mask: () => maskOfValues(values) };
};

const maxAnswer = 400;

/** Delivers one parcel to one channel, once. It never throws: what went wrong is the answer. */
export const createDeliver = (deps: {
  clock: Clock;
  readFile: (path: string) => string;
  /** Of the secrets of these pipelines, as they are today. */
  maskOf: (pipelines: readonly string[]) => Mask[];
  env: Record<string, string>;
  base: () => string | null;
}) => {
  const masked = (messages: readonly Message[]): Message[] => {
    const names = messages.flatMap(({ pipeline }) => (pipeline === null ? [] : [pipeline]));
    const masks = deps.maskOf([...new Set(names)]);
    return messages.map((message) => masks.reduce((text, mask) => mask.json(text), message));
  };
  return async (channel: Channel, parcel: Parcel, signal: AbortSignal): Promise<DeliveryResult> => {
    const { secret, mask } = readSecrets(deps.readFile);
    const { clock, env } = deps;
    const said = (error: unknown): string => {
      const text = error instanceof NotDelivered ? error.message : plainError(error);
      return mask().text(withoutControls(text).replaceAll(/\s+/g, ' ')).slice(0, maxAnswer);
    };
    try {
      const whole = { ...parcel, messages: masked(parcel.messages) };
      const answer = await send(channel, whole, { secret, clock, signal, env, base: deps.base() });
      return { isDelivered: true, answer: mask().text(answer), isGone: false, retryAfterMs: null };
    } catch (error) {
      const { isGone, retryAfterMs } =
        error instanceof NotDelivered ? error : { isGone: false, retryAfterMs: null };
      return { isDelivered: false, answer: said(error), isGone, retryAfterMs };
    }
  };
};
export type Deliver = ReturnType<typeof createDeliver>;
