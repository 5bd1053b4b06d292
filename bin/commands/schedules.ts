import type { Schedule } from '../../client/operations.ts';
import { type Command, type Context, exits, numberOf, Usage } from '../command.ts';
import type { Output } from '../print.ts';

type Answer = Promise<number>;
type Slot = Schedule['last'][number];
type Coming = {
  slot: string;
  local: string;
  predicted: string;
  why: string | null;
  notes: string[];
};

const minute = (at: string): string => at.slice(0, 16).replace('T', ' ');
const timesOf = ({ cron, every_ms, at }: Pick<Schedule, 'cron' | 'every_ms' | 'at'>): string =>
  cron ?? (every_ms !== null ? `every ${every_ms / 1000} s` : `at ${at?.join(', ')}`);

const slotLine = (
  out: Output,
  { slot, slot_to, count, decision, run_number, run_state, reason }: Slot,
): string => {
  const ran =
    run_number === null ? (reason ?? '') : `run ${run_number}${run_state ? ` ${run_state}` : ''}`;
  const color =
    decision === 'started'
      ? 'green'
      : decision === 'missed' || decision === 'refused' || decision === 'blocked'
        ? 'yellow'
        : 'grey';
  const until = count > 1 ? ` to ${minute(slot_to)} (${count})` : '';
  return `  ${minute(slot)}${until}  ${out.paint(color, decision.padEnd(9))}  ${ran}`.trimEnd();
};
const comingLine = (out: Output, { slot, local, predicted, why, notes }: Coming): string => {
  const said = [why, ...notes]
    .filter((one, index, all) => one && all.indexOf(one) === index)
    .join('; ');
  return `  ${minute(slot)}Z  ${local}  ${out.paint(predicted === 'start' ? 'green' : 'yellow', predicted.replace('_', ' ').padEnd(14))}  ${said}`.trimEnd();
};

const show = (out: Output, schedule: Schedule, full: boolean): void => {
  const { id, pipeline, enabled, timezone, next_slots, last, problem, enabled_set } = schedule;
  const state = problem
    ? out.paint('red', 'broken')
    : enabled
      ? out.paint('green', 'enabled')
      : out.paint('grey', 'disabled');
  out.line(`${id}  ${state}  ${pipeline}  ${timesOf(schedule)}  ${timezone}`);
  if (problem) out.line(`  ${problem}`);
  if (full)
    for (const { detail, advice, code } of schedule.lint)
      out.line(`  ${out.paint('yellow', detail)}; ${advice} (${code})`);
  if (!enabled && enabled_set) out.line(`  disabled by ${enabled_set.by} at ${enabled_set.at}`);
  if (next_slots[0])
    out.line(`  next ${(full ? next_slots : next_slots.slice(0, 1)).map(minute).join(', ')} (UTC)`);
  for (const slot of full ? last : last.slice(0, 1)) out.line(slotLine(out, slot));
};

const list = async ({ api, args: [, pipeline], values, out }: Context): Answer => {
  const { items, paused } = await api.ask('GET /api/schedules', { query: { pipeline } });
  if (paused && !values.json)
    out.line(
      out.paint(
        'yellow',
        `all schedules are paused by ${paused.by} since ${paused.at}${paused.reason ? `: ${paused.reason}` : ''}`,
      ),
    );
  for (const schedule of items) values.json ? out.json(schedule) : show(out, schedule, false);
  if (items.length === 0 && !values.json)
    out.line('there is no schedule; write one under `schedules:` of a pipeline file');
  return exits.done;
};

const preview = async ({ api, args: [, id], values, out }: Context): Answer => {
  if (id === undefined && values.cron === undefined)
    throw new Usage('schedules preview: name a schedule, or give --cron "…" [--timezone …]');
  const { cron, timezone, from } = values;
  const answer = await api.ask('GET /api/schedules/preview', {
    query: { id, cron, timezone, from, count: numberOf('count', values.count, 10) },
  });
  if (values.json) out.json(answer);
  else {
    for (const warning of answer.warnings) out.line(out.paint('yellow', warning));
    for (const slot of answer.slots) out.line(comingLine(out, slot));
  }
  return exits.done;
};

const upcoming = async ({ api, values, out }: Context): Answer => {
  const { items } = await api.ask('GET /api/schedules/upcoming', {
    query: { limit: numberOf('limit', values.limit, 20) },
  });
  for (const item of items)
    values.json ? out.json(item) : out.line(`${item.schedule.padEnd(20)}${comingLine(out, item)}`);
  return exits.done;
};

const named = ({ args: [word, id] }: Context, what = 'a schedule'): string => {
  if (id === undefined) throw new Usage(`schedules ${word}: name ${what}`);
  return id;
};
const tell = ({ values, out }: Context, schedule: Schedule): number => {
  if (values.json) out.json(schedule);
  else show(out, schedule, true);
  return exits.done;
};
const one = async (context: Context): Answer =>
  tell(context, await context.api.ask('GET /api/schedules/{id}', { path: { id: named(context) } }));
const enable =
  (enabled: boolean) =>
  async (context: Context): Answer =>
    tell(
      context,
      await context.api.ask('PATCH /api/schedules/{id}', {
        path: { id: named(context) },
        body: { enabled },
      }),
    );

const hold =
  (word: 'pause' | 'resume') =>
  async ({ api, values, out }: Context): Answer => {
    const body = word === 'pause' && values.reason !== undefined ? { reason: values.reason } : {};
    const answer = await api.ask(`POST /api/schedules/${word}`, { body });
    if (values.json) out.json(answer);
    else
      out.line(
        answer.paused
          ? 'all schedules are paused: their slots are skipped, backfills wait'
          : 'schedules fire again',
      );
    return exits.done;
  };

const backfill = async (context: Context): Answer => {
  const { api, values, out } = context;
  const id = named(context);
  const { from, to, reason } = values;
  if (from === undefined || to === undefined)
    throw new Usage('schedules backfill: give the window with --from and --to');
  const body = {
    from,
    to,
    dry_run: values['dry-run'] ?? false,
    again: values.again ?? false,
    ...(reason !== undefined && { reason }),
  };
  const answer = await api.ask('POST /api/schedules/{id}/backfills', { path: { id }, body });
  if (values.json) out.json(answer);
  else {
    for (const { local, runs, why } of answer.slots ?? [])
      out.line(`  ${local}  ${runs ? out.paint('green', 'runs') : `left out: ${why}`}`);
    const count = (answer.slots ?? []).filter(({ runs }) => runs).length;
    out.line(
      answer.id
        ? `${answer.id}: ${count} ${count === 1 ? 'slot runs' : 'slots run'}, one after the other; schedules cancel ${answer.id} ends it`
        : `${count} ${count === 1 ? 'slot' : 'slots'} would run`,
    );
  }
  return exits.done;
};
const cancel = async (context: Context): Answer => {
  const answer = await context.api.ask('POST /api/schedules/backfills/{backfill}/cancel', {
    path: { backfill: named(context, 'a backfill') },
    body: {},
  });
  if (context.values.json) context.out.json(answer);
  else
    context.out.line(
      `${answer.id} ${answer.state}: ${Object.entries(answer.counts)
        .map(([word, count]) => `${count} ${word}`)
        .join(', ')}`,
    );
  return exits.done;
};

const actions: Record<string, (context: Context) => Answer> = {
  list,
  show: one,
  preview,
  upcoming,
  enable: enable(true),
  disable: enable(false),
  pause: hold('pause'),
  resume: hold('resume'),
  backfill,
  cancel,
};

export const scheduleCommands: Record<string, Command> = {
  schedules: {
    usage:
      '[list [pipeline] | show id | upcoming | preview [id] [--cron text] [--timezone zone] [--from instant] [--count 10] | enable id | disable id | pause [--reason text] | resume | backfill id --from instant --to instant [--dry-run] [--again] | cancel backfill]',
    help: 'when pipelines run automatically, the outcomes of their slots, and backfills of past slots',
    options: [
      'cron',
      'timezone',
      'from',
      'to',
      'count',
      'limit',
      'dry-run',
      'again',
      'reason',
      'json',
    ],
    maxArgs: 2,
    run: (context) => {
      const [word = 'list'] = context.args;
      const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
      if (!action)
        throw new Usage(`schedules ${word}: expected ${Object.keys(actions).join(', ')}`);
      return action(context);
    },
  },
};
