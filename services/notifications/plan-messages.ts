import type { NotifyCause, NotifyRule } from '../../definition/notify.ts';
import type { Channel } from '../host/channel-settings.ts';
import type { NewMessage, OutboxPlan, OutboxWrites, Trouble } from '../store/outbox-store.ts';
import { type Cause, causeOf, isSeenTo, troubleOfPipeline } from './causes.ts';
import type { Message } from './message.ts';
import { afterQuiet } from './quiet.ts';

/** What holds at the moment. */
export type NotifyRules = {
  channels: Readonly<Record<string, Channel>>;
  /** Those of the service and of the pipeline's file together. */
  rulesOf: (pipeline: string | null) => readonly NotifyRule[];
  /** Whose clocks quiet hours go by. */
  zoneOf: (pipeline: string | null) => string;
};
type ToChannel = { channel: string; rules: NotifyRule[] };

const nothing: OutboxWrites = { messages: [], opens: [], closes: [] };

/** Each channel once, with the rules that name it for this cause. */
const receivers = (rules: readonly NotifyRule[], cause: NotifyCause): ToChannel[] => {
  const found = new Map<string, NotifyRule[]>();
  for (const rule of rules.filter(({ on }) => on.includes(cause)))
    for (const channel of new Set(rule.to))
      found.set(channel, [...(found.get(channel) ?? []), rule]);
  return [...found].map(([channel, of]) => ({ channel, rules: of }));
};

/** A row for a channel that there is; where rules differ, the one that tells first holds. */
const rowFor = (
  { channels, zoneOf }: NotifyRules,
  { channel, rules }: ToChannel,
  message: Message,
  at: number,
): NewMessage[] => {
  const found = Object.hasOwn(channels, channel) ? channels[channel] : undefined;
  if (!found || found.kind === 'ping') return [];
  const zone = zoneOf(message.pipeline);
  const notBefore = Math.min(...rules.map(({ quiet }) => afterQuiet(quiet, zone, at)));
  const { cause, pipeline, run_id: runId } = message;
  const dueAt = Math.max(notBefore, at + found.digestMs);
  return [{ channel, cause, pipeline, runId, message, notBefore, dueAt }];
};

/** The shortest that any of the rules asks for. */
const repeatOf = (rules: NotifyRule[]): number | null => {
  const given = rules.flatMap(({ repeat }) => (repeat === undefined ? [] : [repeat]));
  return given.length === 0 ? null : Math.min(...given);
};

const recovered = (message: Message, troubles: readonly Trouble[]): Message => {
  const since = Math.min(...troubles.map((trouble) => trouble.since));
  const failures = Math.max(...troubles.map(({ message: told }) => Number(told.failures ?? 0)));
  const after = failures > 1 ? `, after ${failures} failed runs in a row` : '';
  return {
    ...message,
    cause: 'recovered',
    subject: `${message.pipeline} works again`,
    text: `${message.text}${after}`,
    since: new Date(since).toISOString(),
  };
};

/** Who pings: somebody outside waits for it, and says when it does not come. */
const pings = ({ channels }: NotifyRules, message: Message, at: number): NewMessage[] =>
  Object.entries(channels).flatMap(([channel, one]) =>
    one.kind === 'ping' && message.pipeline !== null && one.pipelines.includes(message.pipeline)
      ? [
          {
            channel,
            cause: 'success',
            pipeline: message.pipeline,
            runId: message.run_id,
            message,
            notBefore: at,
            dueAt: at,
          },
        ]
      : [],
  );

/** What is told when something begins to be wrong, or is wrong once more. */
const told = (
  rules: NotifyRules,
  { message, trouble }: Cause,
  cause: NotifyCause,
  troubles: readonly Trouble[],
  at: number,
): OutboxWrites => {
  const writes: OutboxWrites = { messages: [], opens: [], closes: [] };
  for (const to of receivers(rules.rulesOf(message.pipeline), cause)) {
    const count = message.failures ?? 1;
    const own = to.rules.filter(({ after }) => cause !== 'failed' || count >= after);
    if (own.length === 0) continue;
    const known = troubles.find(({ channel }) => channel === to.channel);
    const repeatMs = repeatOf(own);
    const isSame = known?.message.cause === cause;
    // Told already, and asked to hear of it only so often.
    if (known && isSame && repeatMs !== null && at - known.toldAt < repeatMs) continue;
    const rows = rowFor(rules, { ...to, rules: own }, message, at);
    writes.messages.push(...rows);
    if (trouble === null || rows.length === 0) continue;
    const since = known?.since ?? Date.parse(message.since ?? message.at);
    const times = isSame ? (known?.times ?? 0) + 1 : 1;
    writes.opens.push({
      key: trouble,
      channel: to.channel,
      since,
      toldAt: at,
      times,
      repeatMs,
      message,
    });
  }
  return writes;
};

/** What is told when something works. A recovery is told where its trouble was. */
const over = (
  rules: NotifyRules,
  { message, trouble }: Cause,
  troubles: readonly Trouble[],
  at: number,
): OutboxWrites => {
  const { cause } = message;
  const all = rules.rulesOf(message.pipeline);
  const to = (of: NotifyCause, what: Message): NewMessage[] =>
    receivers(all, of).flatMap((one) => rowFor(rules, one, what, at));
  const isNews = trouble !== null && troubles.length > 0;
  const messages = [
    ...(cause === 'partial' ? to('partial', message) : []),
    ...(cause === 'success' ? pings(rules, message, at) : []),
    ...(cause === 'success' && isNews ? to('recovered', recovered(message, troubles)) : []),
    ...(cause === 'service-recovered' && isNews ? to('service-recovered', message) : []),
  ];
  return { messages, opens: [], closes: isNews ? [trouble] : [] };
};

/**
 * Who is told of an event, upon the rules that hold. Pure; the store writes it in the transaction of
 * the event, so what is rolled back is told to nobody.
 */
export const planMessages =
  (now: () => NotifyRules): OutboxPlan =>
  (facts) => {
    const { event } = facts;
    if (isSeenTo(facts))
      return { ...nothing, closes: [troubleOfPipeline(event.pipeline as string)] };
    const rules = now();
    if (Object.keys(rules.channels).length === 0) return null;
    const cause = causeOf(facts);
    if (!cause) return null;
    const troubles = cause.trouble === null ? [] : facts.troubles(cause.trouble);
    if (cause.isOver) return over(rules, cause, troubles, event.at);
    const { cause: word } = cause.message;
    return word === 'success' || word === 'test'
      ? null
      : told(rules, cause, word, troubles, event.at);
  };

/**
 * A trouble that lasts, told again: by whoever is asked to hear of it so often, and not in quiet
 * hours. @returns null when nobody asks any more
 */
export const planReminder = (
  rules: NotifyRules,
  trouble: Trouble,
  at: number,
): OutboxWrites | null => {
  const message = trouble.message as Message;
  const { cause } = message;
  if (cause === 'success' || cause === 'test') return null;
  const to = receivers(rules.rulesOf(message.pipeline), cause).find(
    ({ channel }) => channel === trouble.channel,
  );
  const repeatMs = to ? repeatOf(to.rules) : null;
  if (!to || repeatMs === null || at - trouble.toldAt < repeatMs) return null;
  const again = { ...message, told_before: trouble.times };
  const messages = rowFor(rules, to, again, at);
  if (messages.length === 0) return null;
  const opens = [{ ...trouble, toldAt: at, times: trouble.times + 1, repeatMs }];
  return { messages, opens, closes: [] };
};
