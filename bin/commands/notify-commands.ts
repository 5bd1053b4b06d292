import type { Channel, Notification } from '../../client/operations.ts';
import { type Command, type Context, exits, numberOf, Usage } from '../command.ts';
import { type Output, seconds } from '../print.ts';

const minute = (at: string): string => at.slice(0, 16).replace('T', ' ');
const colors = { ok: 'green', failing: 'red', untried: 'grey' } as const;

const channelLine = (out: Output, channel: Channel): string => {
  const { name, kind, state, target, waiting, last, failure } = channel;
  const when = last === null ? '' : `last ${minute(last.at)} ${last.state}`;
  const cells = [
    name.padEnd(16),
    kind.padEnd(8),
    out.paint(colors[state], state.padEnd(8)),
    target,
    waiting > 0 ? `${waiting} waiting` : '',
    failure ?? when,
  ];
  return cells.filter((cell, index) => index < 4 || cell !== '').join('  ');
};
const stateColors = { delivered: 'green', waiting: 'yellow', 'given-up': 'red' } as const;
const messageLine = (out: Output, one: Notification): string => {
  const { id, at, channel, state, cause, subject, attempts, answer } = one;
  const tried = state === 'delivered' ? '' : `after ${attempts}: ${answer ?? 'not tried yet'}`;
  const cells = [
    minute(at),
    id.padEnd(8),
    channel.padEnd(16),
    out.paint(stateColors[state], state.padEnd(9)),
    cause.padEnd(17),
    subject,
    tried,
  ];
  return cells.join('  ').trimEnd();
};

const list = async ({ api, values, out }: Context): Promise<number> => {
  const limit = numberOf('limit', values.limit, 20);
  const channels = await api.ask('GET /api/channels');
  const messages = await api.ask('GET /api/notifications', { query: { limit } });
  if (values.json) {
    out.json({ channels, notifications: messages });
    return exits.done;
  }
  if (channels.items.length === 0)
    out.line(
      'nobody is told: no channel is set up (docs/notifications.md, serve --config settings.json)',
    );
  for (const channel of channels.items) out.line(channelLine(out, channel));
  if (channels.items.length > 0 && channels.rules.length === 0)
    out.line('no rule names a channel: add notify to the settings or to a pipeline file');
  if (messages.items.length > 0) out.line('');
  for (const one of messages.items) out.line(messageLine(out, one));
  return exits.done;
};

const test = async ({ api, args: [, channel], values, out }: Context): Promise<number> => {
  if (channel === undefined) throw new Usage('notify test: name a channel');
  const told = await api.ask('POST /api/notifications/test', { body: { channel } });
  const { delivered, answer, duration_ms } = told;
  if (values.json) out.json(told);
  else
    out.line(
      `${channel}: ${delivered ? out.paint('green', 'delivered') : out.paint('red', 'not delivered')} after ${seconds(duration_ms)}, ${answer}`,
    );
  return delivered ? exits.done : exits.failed;
};

const again = async ({ api, args: [, id], values, out }: Context): Promise<number> => {
  if (id === undefined) throw new Usage('notify retry: name a notification by its id');
  const answer = await api.ask('POST /api/notifications/{id}/retry', { path: { id }, body: {} });
  if (values.json) out.json(answer);
  else out.line(`${id} is tried again now`);
  return exits.done;
};

const actions: Record<string, (context: Context) => Promise<number>> = { list, test, retry: again };

export const notifyCommands: Record<string, Command> = {
  notify: {
    usage: '[list [--limit 20] | test channel | retry id]',
    help: 'where messages go and whether they arrive; test delivers one now and says what was answered',
    options: ['limit', 'json'],
    maxArgs: 2,
    run: (context) => {
      const [word = 'list'] = context.args;
      const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
      if (!action) throw new Usage(`notify ${word}: expected ${Object.keys(actions).join(', ')}`);
      return action(context);
    },
  },
};
