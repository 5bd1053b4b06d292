import { z } from 'zod';
import { closed } from '../../definition/closed.ts';
import { durationSchema } from '../../definition/duration.ts';
import { channelNameSchema, type NotifyRule, notifySchema } from '../../definition/notify.ts';
import { unknownKey } from '../../definition/suggest.ts';

/** One word, so that nothing can be smuggled into a header or a list of addresses. */
const plain = z.string().max(2000).regex(/^\S+$/, 'expected a text without spaces');
const file = z.string().min(1).max(4000);
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];
/** Does an address lead to this machine, and nowhere else? */
export const isLoopbackHost = (host: string): boolean => loopbackHosts.includes(host);

const webAddress = plain.superRefine((text, ctx) => {
  const url = URL.parse(text);
  const message =
    url === null || !['http:', 'https:'].includes(url.protocol)
      ? 'expected an address such as https://example.org/hook'
      : url.username || url.password
        ? 'must not hold a name or a password'
        : url.protocol === 'http:' && !isLoopbackHost(url.hostname)
          ? 'must begin with https://; http:// is for this machine only'
          : null;
  if (message !== null) ctx.addIssue({ code: 'custom', message });
});
const topicAddress = webAddress.refine((text) => (URL.parse(text)?.pathname ?? '/') !== '/', {
  error: 'expected the address of a topic such as https://ntfy.sh/my-topic',
});
const mailAddress = z.email('expected an address such as me@example.org').max(320);
const mailServer = plain.superRefine((text, ctx) => {
  const url = URL.parse(text);
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    ctx.addIssue({
      code: 'custom',
      message: 'expected an address such as smtps://user@mail.example.org:465',
    });
  else if (url.password)
    ctx.addIssue({
      code: 'custom',
      message: 'must not hold the password: put it into a file, and name that as password_file',
    });
});
/** Private and loopback addresses are refused at delivery without this word. */
const allow_private = z.boolean().default(false);
const program = z.array(z.string().min(1).max(4000)).min(1).max(100);

/** What a channel can be; a channel is exactly one of these. */
const kinds = {
  webhook: closed({ url: webAddress, secret_file: file.optional(), allow_private }),
  smtp: closed({
    url: mailServer,
    password_file: file.optional(),
    from: mailAddress,
    to: z.array(mailAddress).min(1).max(50),
  }),
  slack: closed({ url_file: file, allow_private }),
  ntfy: closed({ url: topicAddress, token_file: file.optional(), allow_private }),
  script: closed({ run: program }),
  ping: closed({
    url: webAddress.optional(),
    url_file: file.optional(),
    pipelines: z.array(z.string().min(1)).min(1).max(1000),
    allow_private,
  }).refine(({ url, url_file }) => (url === undefined) !== (url_file === undefined), {
    error: 'expected either url or url_file',
  }),
};
type Kinds = { [Kind in keyof typeof kinds]: z.output<(typeof kinds)[Kind]> };
type ChannelKind = keyof Kinds;
/** A channel as it is used: what it is, and how long a burst is waited for. */
export type Channel = {
  [Kind in ChannelKind]: { kind: Kind; digestMs: number } & Kinds[Kind];
}[ChannelKind];
export type ChannelOf<Kind extends ChannelKind> = Extract<Channel, { kind: Kind }>;

const defaultDigestMs = 60_000;
const kindNames = Object.keys(kinds) as ChannelKind[];

const channelSchema = closed({
  webhook: kinds.webhook.optional(),
  smtp: kinds.smtp.optional(),
  slack: kinds.slack.optional(),
  ntfy: kinds.ntfy.optional(),
  script: kinds.script.optional(),
  /** The same as `script: { run: … }`. */
  run: program.optional(),
  ping: kinds.ping.optional(),
  /** What comes within this time after a message is told together with it. */
  digest: durationSchema
    .refine((ms) => ms <= 86_400_000, { error: 'must be at most 1d' })
    .optional(),
}).transform(({ digest, run, ...given }, ctx): Channel => {
  const written = { ...given, script: given.script ?? (run && { run }) };
  const [kind, ...more] = kindNames.filter((name) => written[name] !== undefined);
  if (kind === undefined || more.length > 0 || (given.script && run)) {
    const words = `${kindNames.slice(0, -1).join(', ')} and ${kindNames.at(-1)}`;
    ctx.addIssue({ code: 'custom', message: `a channel is exactly one of ${words}` });
    return z.NEVER;
  }
  const digestMs = kind === 'ping' ? 0 : (digest ?? defaultDigestMs);
  return { kind, digestMs, ...written[kind] } as Channel;
});

/** Where the dashboard is seen from outside: what links in messages begin with. */
export const publicUrlSchema = plain.superRefine((text, ctx) => {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash)
    ctx.addIssue({
      code: 'custom',
      message: 'expected an address such as https://pipelines.example.org',
    });
});

/** The keys of the settings that say who is told of what; nested, so they stand in the file only. */
export const notifyShape = {
  channels: z.record(channelNameSchema, channelSchema).default({}),
  notify: notifySchema.default([]),
};
export type NotifySettings = {
  channels: Record<string, Channel>;
  notify: NotifyRule[];
  publicUrl: string | null;
};
export const noNotifySettings: NotifySettings = { channels: {}, notify: [], publicUrl: null };

/** The channels that rules may name: a ping is told of successes only, and by itself. */
export const channelsToTell = (channels: Readonly<Record<string, Channel>>): string[] =>
  Object.keys(channels).filter((name) => channels[name]?.kind !== 'ping');

/** What fits by its form, and would still tell nobody. */
export const notifyFaults = ({
  channels,
  notify,
}: Pick<NotifySettings, 'channels' | 'notify'>): { path: PropertyKey[]; message: string }[] => {
  const names = Object.keys(channels);
  return notify.flatMap(({ to }, index) =>
    to.flatMap((name, place) => {
      const path = ['notify', index, 'to', place];
      if (!Object.hasOwn(channels, name))
        return [
          {
            path,
            message:
              names.length === 0
                ? `there is no channel \`${name}\`: add it to channels`
                : unknownKey(name, names, 'channel'),
          },
        ];
      return channels[name]?.kind === 'ping'
        ? [
            {
              path,
              message: `${name} is a ping: it is told of successes by its own pipelines only`,
            },
          ]
        : [];
    }),
  );
};
