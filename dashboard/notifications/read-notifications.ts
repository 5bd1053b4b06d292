import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { Operations } from '../../client/operations.ts';
import { api } from '../service-api.ts';
import type { StateLook } from '../ui/state-words.ts';

export type Channel = Operations['GET /api/channels']['answer']['items'][number];
export type Rule = Operations['GET /api/channels']['answer']['rules'][number];
export type Notification = Operations['GET /api/notifications']['answer']['items'][number];
export type MessageState = Notification['state'];

const everyMs = 15_000;
const pageSize = 50;

export const useChannels = () =>
  useQuery({
    queryKey: ['channels'],
    queryFn: () => api.ask('GET /api/channels'),
    refetchInterval: everyMs,
  });

export type Filter = { channel: string; state: string };
export const messageStates: readonly MessageState[] = ['waiting', 'delivered', 'given-up'];

/** What was told, newest first, page by page. */
export const useNotifications = ({ channel, state }: Filter) => {
  const known = messageStates.find((one) => one === state);
  const query = { ...(channel && { channel }), ...(known && { state: known }) };
  return useInfiniteQuery({
    queryKey: ['notifications', query],
    queryFn: ({ pageParam }) =>
      api.ask('GET /api/notifications', {
        query: { ...query, limit: pageSize, cursor: pageParam },
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    refetchInterval: everyMs,
  });
};

export const channelLooks: Record<Channel['state'], StateLook> = {
  ok: { tone: 'ok', glyph: 'done', word: 'Arrives' },
  failing: { tone: 'bad', glyph: 'failed', word: 'Does not arrive' },
  untried: { tone: 'none', glyph: 'pending', word: 'Not used yet' },
};
export const messageLooks: Record<MessageState, StateLook> = {
  delivered: { tone: 'ok', glyph: 'done', word: 'Delivered' },
  waiting: { tone: 'wait', glyph: 'waiting', word: 'Waiting' },
  'given-up': { tone: 'bad', glyph: 'failed', word: 'Given up' },
};
