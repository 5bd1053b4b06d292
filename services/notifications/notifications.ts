import type { NotifyRule } from '../../definition/notify.ts';
import type { Mask } from '../../stages/mask.ts';
import type { Channels, Notifications, Tested } from '../../wire/notification-answers.ts';
import { channelsToTell } from '../host/channel-settings.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { ServiceError } from '../host/service-error.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { MessageState, OutboxPlan, OutboxStore } from '../store/outbox-store.ts';
import { createChannelHealth } from './channel-health.ts';
import { createDeliver, type Deliver } from './deliver.ts';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import { testMessage } from './message.ts';
import {
  channelView,
  notificationId,
  notificationView,
  numberOfId,
  ruleView,
} from './notification-views.ts';
import { type CurrentSettings, createNotifySettings, type NotifySource } from './notify-source.ts';
import { type NotifyRules, planMessages } from './plan-messages.ts';
import { createReminders } from './reminders.ts';

type MessageQuery = {
  channel?: string;
  state?: MessageState;
  pipeline?: string;
  before?: string;
  limit: number;
};
/** What may be asked of notifications from outside. */
export type NotificationQueries = {
  channels(): Promise<Channels>;
  /** Newest first. @throws bad-parameter for a `before` that is no id */
  notifications(query: MessageQuery): Promise<Notifications>;
  /** Delivers a message now, and says what was answered. @throws unknown-channel */
  testChannel(name: string): Promise<Tested>;
  /** Due at once. @throws unknown-notification, already-delivered */
  retryNotification(id: string): Promise<void>;
};
/** How often which channel was told, since the service started. */
type NotificationCount = { channel: string; result: string; count: number };

type Deps = {
  store: OutboxStore & { readonly epoch: string };
  clock: Clock;
  log: Log;
  loaded: LoadedPipelines;
  source: NotifySource;
  /** Where the service listens. */
  url: () => string | null;
  readFile: (path: string) => string;
  maskOf: (pipelines: readonly string[]) => Mask[];
  env: Record<string, string>;
  /** Of the health of the service. */
  isWell: (check: string) => boolean;
  sayWell: (check: string) => Promise<void>;
};

const rulesNow = ({ loaded }: Pick<Deps, 'loaded'>, settings: CurrentSettings): NotifyRules => {
  const { channels, notify } = settings.now();
  const definitionOf = (name: string | null) =>
    name === null ? undefined : loaded.pipelines.get(name)?.definition;
  return {
    channels,
    rulesOf: (name): readonly NotifyRule[] => {
      const own = definitionOf(name)?.notify;
      if (own === undefined) return notify;
      return own.length === 0 ? [] : [...notify, ...own];
    },
    zoneOf: (name) => definitionOf(name)?.timezone ?? 'UTC',
  };
};

const results = ['delivered', 'failed', 'given-up'];
/** Every channel stands there from the start. */
const createCounts = (channels: () => string[]) => {
  const counts = new Map<string, NotificationCount>();
  const keyOf = (channel: string, result: string): string => `${channel} ${result}`;
  return {
    add: (channel: string, result: string, more: number): void => {
      const before = counts.get(keyOf(channel, result))?.count ?? 0;
      counts.set(keyOf(channel, result), { channel, result, count: before + more });
    },
    all: (): NotificationCount[] => {
      const zeros = channels()
        .flatMap((channel) => results.map((result) => ({ channel, result, count: 0 })))
        .filter(({ channel, result }) => !counts.has(keyOf(channel, result)));
      return [...zeros, ...counts.values()];
    },
  };
};

/** Who is told of what happens, and whether that works. */
export const createNotifications = (deps: Deps) => {
  const { store, clock, loaded, log } = deps;
  const settings = createNotifySettings(deps.source, deps.url);
  const health = createChannelHealth(store, settings);
  const counts = createCounts(() => Object.keys(settings.now().channels));
  const rules = () => rulesNow(deps, settings);
  const idOf = (n: number): string => `msg_${store.epoch}_${n}`;
  const deliver = createDeliver({
    clock,
    readFile: deps.readFile,
    maskOf: deps.maskOf,
    env: deps.env,
    base: settings.base,
  });
  const dispatcher = createDispatcher({
    store,
    clock,
    channels: () => settings.now().channels,
    deliver,
    idOf,
    log,
    settled: async ({ state }, channel, count) => {
      counts.add(channel, state === 'waiting' ? 'failed' : state, count);
      await health.refresh();
    },
  });
  const remind = createReminders({
    store,
    rules,
    now: clock.wallMs,
    hasPipeline: (name) => loaded.pipelines.has(name),
    isWell: deps.isWell,
    sayWell: deps.sayWell,
  });

  // Said in the transaction, so a commit that nobody is told of costs no question.
  let hasNews = false;
  const plan: OutboxPlan = (facts) => {
    const writes = planMessages(rules)(facts);
    hasNews ||= writes !== null && writes.messages.length > 0;
    return writes;
  };
  store.outbox(plan);

  return {
    check: health.check,
    counts: counts.all,
    channelNames: (): string[] => channelsToTell(settings.now().channels),
    /** @returns what does not fit in the settings; those of before stay in force then */
    reread: (): string | null => {
      const problem = settings.reread();
      if (problem !== null) log('the settings could not be read again', { error: problem });
      dispatcher.wake();
      return problem;
    },
    open: async (): Promise<void> => {
      await health.refresh();
      void dispatcher.tick();
    },
    /** The journal has something new. */
    wake: (): void => {
      if (!hasNews) return;
      hasNews = false;
      dispatcher.wake();
    },
    /** By the watchdog: reminds, and looks whether something is due that nobody woke for. */
    look: async (): Promise<void> => {
      await health.refresh();
      if (await remind()) dispatcher.wake();
    },
    tick: dispatcher.tick,
    close: dispatcher.close,
    queries: createQueriesOf(deps, { settings, idOf, deliver, dispatcher, health }),
  };
};

type Inside = {
  settings: CurrentSettings;
  idOf: (n: number) => string;
  deliver: Deliver;
  dispatcher: Dispatcher;
  health: ReturnType<typeof createChannelHealth>;
};

const createQueriesOf = (
  { store, clock, loaded }: Deps,
  { settings, idOf, deliver, dispatcher, health }: Inside,
): NotificationQueries => ({
  channels: async () => {
    const { channels, notify, publicUrl } = settings.now();
    const states = new Map((await store.channelStates()).map((one) => [one.channel, one]));
    const definitions = [...loaded.pipelines.values()].map(({ definition }) => definition);
    return {
      items: Object.entries(channels).map(([name, channel]) =>
        channelView(name, channel, states.get(name)),
      ),
      rules: [
        ...notify.map((rule) => ruleView(null, rule)),
        ...definitions.flatMap(({ name, notify: own = [] }) =>
          own.map((rule) => ruleView(name, rule)),
        ),
      ],
      silent: definitions.filter(({ notify: own }) => own?.length === 0).map(({ name }) => name),
      public_url: publicUrl,
    };
  },
  notifications: async ({ before, ...query }) => {
    const n = before === undefined ? undefined : numberOfId(before);
    if (n === null)
      throw new ServiceError('bad-parameter', `before: ${before} is no id of a notification`);
    const { items, next } = await store.messages({
      ...query,
      ...(n !== undefined && { before: n }),
    });
    return {
      items: items.map((row) => notificationView(row, idOf)),
      next_cursor: next === null ? null : notificationId(next),
    };
  },
  testChannel: async (name) => {
    const { channels } = settings.now();
    const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
    if (!channel) throw new ServiceError('unknown-channel', whyUnknown(name, channels));
    const at = clock.wallMs();
    const message = testMessage(name, at);
    const since = clock.monotonicMs();
    const result = await deliver(
      channel,
      { id: `test_${store.epoch}_${at}`, at, messages: [message] },
      new AbortController().signal,
    );
    await health.refresh();
    const duration_ms = Math.round(clock.monotonicMs() - since);
    const { isDelivered: delivered, answer } = result;
    return { channel: name, delivered, answer, duration_ms };
  },
  retryNotification: async (id) => {
    const n = numberOfId(id);
    const state = n === null ? null : await store.retryMessage(n, clock.wallMs());
    if (state === null)
      throw new ServiceError('unknown-notification', `there is no notification ${id}`);
    if (state === 'delivered')
      throw new ServiceError(
        'already-delivered',
        `${id} is delivered: nothing is to be tried again`,
      );
    dispatcher.wake();
  },
});

const whyUnknown = (name: string, channels: object): string => {
  const names = Object.keys(channels);
  return names.length === 0
    ? `there is no channel ${name}: the settings of the service (--config) name none`
    : `there is no channel ${name}; known are ${names.join(', ')}`;
};
