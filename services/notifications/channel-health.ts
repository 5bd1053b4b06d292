import type { ChannelState, OutboxStore } from '../store/outbox-store.ts';
import { isFailing } from './notification-views.ts';
import type { CurrentSettings } from './notify-source.ts';

type Verdict = { ok: true; detail: string } | { ok: false; code: string; detail: string };

const messages = (count: number): string => `${count} ${count === 1 ? 'message' : 'messages'}`;
const said = ({ channel, waiting, failure, last }: ChannelState): string =>
  waiting > 0
    ? `${channel}: ${messages(waiting)} ${waiting === 1 ? 'waits' : 'wait'}, ${failure ?? 'and it is not tried'}`
    : `${channel}: the last message was given up, ${last?.answer ?? ''}`;

/** What is known of the channels, for whoever asks in between. */
export const createChannelHealth = (
  store: Pick<OutboxStore, 'channelStates'>,
  settings: CurrentSettings,
) => {
  let states: ChannelState[] = [];
  return {
    refresh: async (): Promise<void> => {
      states = await store.channelStates();
    },
    check: (): Verdict => {
      const problem = settings.problem();
      if (problem !== null)
        return {
          ok: false,
          code: 'bad-settings',
          detail: `the settings read before stay in force: ${problem}`,
        };
      const names = Object.keys(settings.now().channels);
      const gone = states.filter(({ channel, waiting }) => waiting > 0 && !names.includes(channel));
      if (gone.length > 0)
        return {
          ok: false,
          code: 'channel-gone',
          detail: gone
            .map(
              ({ channel, waiting }) =>
                `${messages(waiting)} for ${channel}, which the settings do not name any more`,
            )
            .join('; '),
        };
      const failing = states.filter((one) => names.includes(one.channel) && isFailing(one));
      if (failing.length > 0)
        return { ok: false, code: 'not-delivered', detail: failing.map(said).join('; ') };
      if (names.length === 0) return { ok: true, detail: 'no channel is set up: nobody is told' };
      return { ok: true, detail: `${names.length} ${names.length === 1 ? 'channel' : 'channels'}` };
    },
  };
};
