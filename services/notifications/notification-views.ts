import type { NotifyRule } from '../../definition/notify.ts';
import { iso } from '../../wire/iso.ts';
import type { Channels, ChannelView, NotificationView } from '../../wire/notification-answers.ts';
import type { Channel } from '../host/channel-settings.ts';
import type { ChannelState, MessageRow } from '../store/outbox-store.ts';
import type { Message } from './message.ts';

/** Paths of addresses are what some receivers know us by: they are shown to nobody. */
const targetOf = (channel: Channel): string => {
  const hostOf = (url: string): string => new URL(url).host;
  switch (channel.kind) {
    case 'smtp':
      return `${channel.to.join(', ')} by ${hostOf(channel.url)}`;
    case 'slack':
      return 'the address in its file';
    case 'script':
      return channel.run[0] ?? '';
    case 'ping': {
      const to = channel.url === undefined ? 'the address in its file' : hostOf(channel.url);
      return `${to}, on success of ${channel.pipelines.join(', ')}`;
    }
    default:
      return hostOf(channel.url);
  }
};

const noState = { waiting: 0, failing: 0, oldestAt: null, last: null, failure: null };

export const isFailing = ({ failing, last }: Pick<ChannelState, 'failing' | 'last'>): boolean =>
  failing > 0 || last?.state === 'given-up';

export const channelView = (
  name: string,
  channel: Channel,
  known: ChannelState | undefined,
): ChannelView => {
  const { waiting, failing, oldestAt, last, failure } = known ?? noState;
  const isUntried = last === null && failing === 0;
  return {
    name,
    kind: channel.kind,
    target: targetOf(channel),
    digest_ms: channel.digestMs,
    state: isFailing({ failing, last }) ? 'failing' : isUntried ? 'untried' : 'ok',
    waiting,
    waiting_since: iso(oldestAt),
    last: last && { ...last, at: new Date(last.at).toISOString() },
    failure: failure ?? (last?.state === 'given-up' ? last.answer : null),
  };
};

export const ruleView = (
  pipeline: string | null,
  { on, to, after, quiet, repeat }: NotifyRule,
): Channels['rules'][number] => ({
  pipeline,
  on,
  to,
  after,
  quiet: quiet ?? null,
  repeat_ms: repeat ?? null,
});

export const notificationId = (n: number): string => `n_${n}`;
/** @returns null for what is no id */
export const numberOfId = (id: string): number | null =>
  /^n_[1-9]\d{0,14}$/.test(id) ? Number(id.slice(2)) : null;

export const notificationView = (
  row: MessageRow,
  idOf: (n: number) => string,
): NotificationView => {
  const { subject, text, path } = row.message as Message;
  return {
    id: notificationId(row.n),
    message_id: row.batch === null ? null : idOf(row.batch),
    channel: row.channel,
    cause: row.cause,
    pipeline: row.pipeline,
    run_id: row.runId,
    at: new Date(row.at).toISOString(),
    subject,
    text,
    path,
    state: row.state,
    attempts: row.attempts,
    due_at: row.state === 'waiting' ? new Date(row.dueAt).toISOString() : null,
    last_at: iso(row.lastAt),
    answer: row.answer,
  };
};
