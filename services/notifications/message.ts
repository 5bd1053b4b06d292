import type { NotifyCause } from '../../definition/notify.ts';

/** `success` is for pings alone, and `test` for whoever asks whether a channel works. */
type MessageCause = NotifyCause | 'success' | 'test';
/**
 * What a person has to know at three in the morning, as it was when it happened. JSON, and a type
 * with an open index: the store keeps it and does not read it.
 */
export type Message = {
  cause: MessageCause;
  /** Short: a subject of a mail, a title on a phone. */
  subject: string;
  /** What happened, in one sentence. */
  text: string;
  at: string;
  pipeline: string | null;
  run_id: string | null;
  number: number | null;
  stage: string | null;
  code: string | null;
  /** The last lines of stderr, masked. */
  stderr_tail: string | null;
  /** Why it is not tried again. */
  not_again: string | null;
  failures: number | null;
  since: string | null;
  last_success: { run_id: string; number: number; at: string } | null;
  /** Of the dashboard: the view that shows exactly this. */
  path: string;
  /** What does something about it. */
  command: string | null;
  /** How often it was told before; absent the first time. */
  told_before?: number;
};
/** What is sent at once: a stable id, and one message or many. */
export type Parcel = { id: string; at: number; messages: Message[] };

const empty = {
  pipeline: null,
  run_id: null,
  number: null,
  stage: null,
  code: null,
  stderr_tail: null,
  not_again: null,
  failures: null,
  since: null,
  last_success: null,
  command: null,
};

/** A message with what its cause knows; nothing is said of the rest. */
export const messageOf = (
  facts: Pick<Message, 'cause' | 'subject' | 'text' | 'at' | 'path'> & Partial<Message>,
): Message => ({ ...empty, ...facts });

export const testMessage = (channel: string, at: number): Message =>
  messageOf({
    cause: 'test',
    subject: `test of channel ${channel}`,
    text: `Somebody asked whether the channel ${channel} works. It does: you read this.`,
    at: new Date(at).toISOString(),
    path: '/notifications',
  });
