import type { NewEvent } from '../../wire/events.ts';
import type { RunRow } from './run-rows.ts';
import type { Streak } from './streak.ts';

/** What is told, as it was when its cause was committed; JSON that the store does not read. */
type MessageFacts = Record<string, unknown> & { cause: string };

/** Something that goes wrong until somebody says that it is over: `pipeline:NAME`, `check:NAME`. */
export type Trouble = {
  key: string;
  channel: string;
  since: number;
  /** When it was told last, and how often. */
  toldAt: number;
  times: number;
  /** Told again after so long; null = never by itself. */
  repeatMs: number | null;
  message: MessageFacts;
};
export type NewMessage = {
  channel: string;
  cause: string;
  pipeline: string | null;
  runId: string | null;
  message: MessageFacts;
  /** Not told before this instant (quiet hours), and then at this one (a burst is waited for). */
  notBefore: number;
  dueAt: number;
};
export type OutboxWrites = {
  messages: NewMessage[];
  /** Troubles as they are now. */
  opens: Trouble[];
  /** Keys of troubles that are over. */
  closes: string[];
};
/** An event that was written in this transaction. */
export type Said = NewEvent & { runId: string | null; pipeline: string | null; at: number };
/** What a message is planned upon, read in the transaction of its cause, after its other writes. */
export type OutboxFacts = {
  event: Said;
  run: () => RunRow | null;
  streak: () => Streak;
  troubles: (key: string) => Trouble[];
  /** The newest run of the pipeline that is DONE, before the event's own. */
  lastDone: () => { runId: string; number: number; endedAt: number } | null;
  /** When the first of its failed runs after that one ended. */
  failingSince: () => number | null;
};
/** Pure, and may be called twice. @returns null when nobody is to be told */
export type OutboxPlan = (facts: OutboxFacts) => OutboxWrites | null;

export type MessageState = 'waiting' | 'delivered' | 'given-up';
export type MessageRow = NewMessage & {
  n: number;
  at: number;
  state: MessageState;
  /** Those that are told together have the number of the first of them; null = not begun yet. */
  batch: number | null;
  attempts: number;
  /** Of the first attempt, and of the last one. */
  firstAt: number | null;
  lastAt: number | null;
  /** What the receiver said last. */
  answer: string | null;
};
/** Messages that are told as one, now; they stay together until they are delivered. */
export type Batch = {
  channel: string;
  n: number;
  attempts: number;
  firstAt: number;
  rows: MessageRow[];
};
export type Settled = { state: MessageState; answer: string; nextAt: number | null };
export type ChannelState = {
  channel: string;
  waiting: number;
  /** Of those that wait: tried, and not delivered. */
  failing: number;
  /** The instant of the oldest that waits. */
  oldestAt: number | null;
  /** The last that was settled. */
  last: { state: MessageState; at: number; answer: string | null } | null;
  /** What the receiver said to the last attempt that failed and is repeated. */
  failure: string | null;
};
type MessageFilter = {
  channel?: string;
  state?: MessageState;
  pipeline?: string;
  /** Only older ones. */
  before?: number;
  limit: number;
};

/**
 * The outbox: what somebody is told. A message is written in the transaction of its cause, so that
 * neither is there without the other.
 */
export type OutboxStore = {
  /** From now on each event that is written is given to this plan, in its own transaction. */
  outbox(plan: OutboxPlan): void;
  /** The next that is due of a channel; what is due with it joins it, once and for all. */
  claimMessages(channel: string, at: number): Promise<Batch | null>;
  settleMessages(batch: number, outcome: Settled, at: number): Promise<void>;
  /** Writes messages that no event caused, upon what is not over. @returns their numbers */
  addMessages(plan: (troubles: readonly Trouble[]) => OutboxWrites, at: number): Promise<number[]>;
  /** A message that is not delivered is due at once, as if it were new; all of its batch. */
  retryMessage(n: number, at: number): Promise<MessageState | null>;
  /** Newest first. */
  messages(filter: MessageFilter): Promise<{ items: MessageRow[]; next: number | null }>;
  channelStates(): Promise<ChannelState[]>;
  /** When the next of these channels is due. */
  nextMessageAt(channels: readonly string[]): Promise<number | null>;
  troubles(): Promise<Trouble[]>;
};
