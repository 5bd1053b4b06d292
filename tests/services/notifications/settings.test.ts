import { readFileSync } from 'node:fs';
import { readConfig, UsageError } from '../../../services/host/config.ts';
import { settingsOf } from './outbox-kit.ts';

const problems = (file: object): string[] => {
  try {
    readConfig(['--config', 'set.json'], {}, () => JSON.stringify(file));
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n');
    throw error;
  }
  return [];
};
const smtp = { url: 'smtps://me@mail.example.org', from: 'a@example.org', to: ['b@example.org'] };
const url = 'https://ops.example.org/hook';

test.each(['notifications.md', 'operating.md'])('the settings that docs/%s shows hold', (name) => {
  const text = readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
  const [, shown = ''] = /```json\n(\{\n {2}"public_url"[^`]*)```/.exec(text) ?? [];
  expect(Object.keys(settingsOf(JSON.parse(shown)).channels)).toContain('mail');
});

test('each channel is what it is called', () => {
  const { channels, notify, publicUrl } = settingsOf({
    channels: {
      ops: { webhook: { url, secret_file: '/run/secrets/hook' } },
      mail: { smtp: { ...smtp, password_file: '/run/secrets/mail' }, digest: '5m' },
      team: { slack: { url_file: '/run/secrets/slack' } },
      phone: { ntfy: { url: 'https://ntfy.sh/topic' } },
      script: { run: ['./page.sh'] },
      alive: { ping: { url: 'https://hc.example/uuid', pipelines: ['market-data'] } },
    },
    public_url: 'https://pipelines.example.org',
    notify: [{ on: ['failed', 'missed', 'service-degraded'], to: ['mail'] }],
  });
  expect(Object.values(channels).map(({ kind, digestMs }) => [kind, digestMs])).toEqual([
    ['webhook', 60_000],
    ['smtp', 300_000],
    ['slack', 60_000],
    ['ntfy', 60_000],
    ['script', 60_000],
    ['ping', 0],
  ]);
  expect(notify[0]).toMatchObject({ after: 1 });
  expect(publicUrl).toBe('https://pipelines.example.org');
});

test.each([
  [
    { channels: { ops: {} } },
    'channels.ops in set.json: a channel is exactly one of webhook, smtp, slack, ntfy, script and ping',
  ],
  [
    { channels: { ops: { webhook: { url }, slack: { url_file: 'f' } } } },
    'channels.ops in set.json: a channel is exactly one of webhook, smtp, slack, ntfy, script and ping',
  ],
  [
    { channels: { Ops: { webhook: { url } } } },
    'channels.Ops in set.json: expected the name of a channel: lower-case letters, digits and hyphens, at most 40, the first a letter',
  ],
  [
    { channels: { ops: { webhook: { url: 'http://ops.example.org' } } } },
    'channels.ops.webhook.url in set.json: must begin with https://; http:// is for this machine only',
  ],
  [
    { channels: { ops: { webhook: { url: 'https://me:pw@ops.example.org' } } } },
    'channels.ops.webhook.url in set.json: must not hold a name or a password',
  ],
  [
    { channels: { ops: { webhook: { url, secret: 'x' } } } },
    'channels.ops.webhook in set.json: unknown key `secret`; known are url, secret_file, allow_private',
  ],
  [
    { channels: { mail: { smtp: { ...smtp, url: 'smtp://me:pw@mail.example.org' } } } },
    'channels.mail.smtp.url in set.json: must not hold the password: put it into a file, and name that as password_file',
  ],
  [
    { channels: { mail: { smtp: { ...smtp, to: ['nobody'] } } } },
    'channels.mail.smtp.to.0 in set.json: expected an address such as me@example.org',
  ],
  [
    { channels: { a: { ping: { pipelines: ['p'] } } } },
    'channels.a.ping in set.json: expected either url or url_file',
  ],
  [
    { channels: { ops: { webhook: { url } } }, notify: [{ on: ['failed'], to: ['opps'] }] },
    'notify.0.to.0 in set.json: unknown channel `opps`; did you mean `ops`?',
  ],
  [
    { notify: [{ on: ['failed'], to: ['ops'] }] },
    'notify.0.to.0 in set.json: there is no channel `ops`: add it to channels',
  ],
  [
    {
      channels: { a: { ping: { url, pipelines: ['p'] } } },
      notify: [{ on: ['failed'], to: ['a'] }],
    },
    'notify.0.to.0 in set.json: a is a ping: it is told of successes by its own pipelines only',
  ],
  [
    {
      channels: { ops: { webhook: { url } } },
      notify: [{ on: ['failed'], to: ['ops'], quiet: '22-6' }],
    },
    'notify.0.quiet in set.json: expected two different clock times such as "22:00-06:00"',
  ],
  [
    { public_url: 'pipelines' },
    'public_url in set.json: expected an address such as https://pipelines.example.org',
  ],
])('settings that do not fit are refused by file and field: %j', (file, expected) => {
  expect(problems(file)).toEqual([expected]);
});

test('channels and rules stand in the file only', () => {
  expect(() => readConfig([], { STAGEWRIGHT_CHANNELS: '{}' }, () => '{}')).toThrow(UsageError);
  expect(() => readConfig(['--notify', '[]'], {}, () => '{}')).toThrow(UsageError);
});
