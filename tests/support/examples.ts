import { parseDefinition } from '../../definition/parse-definition.ts';
import { type Command, eventOfCommand } from '../../machines/commands.ts';
import type { Reused } from '../../machines/context.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { Loaded } from '../../services/store/run-rows.ts';
import { idleStatus, statusOf } from '../../services/store/run-view.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Status } from '../../wire/status.ts';
import { applied, decided, modelOf } from './model.ts';

export type Example = { name: string; status: Status; events: NewEvent[] };

const definition = () => {
  const stage = (name: string) => ({
    name,
    run: [`./${name}`],
    retry: { limit: 2, backoff: { initial: '10s', jitter: 0 } },
    files: [{ path: `out/${name}`, min: 1 }],
  });
  const parsed = parseDefinition({
    name: 'market-data',
    title: 'Market data',
    stages: ['translator', 'analyzer', 'merger'].map(stage),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.definition;
};
const broken: Failure = {
  code: 'exit-code',
  message: 'exit code 1',
  retryable: true,
  exit_code: 1,
  signal: null,
  stderr_tail: 'no such instrument: XY',
};

const stop: Command = { type: 'STOP', reason: 'wrong day' };
const reused: Reused = { translator: { outputs: { days: 12 }, metrics: { rows: 12 } } };
const behind = {
  run_id: 'r_01KE5ZZZZZ00000000000MODEL',
  pipeline: 'market-data',
  number: 7,
  ahead: 0,
  replaces: false,
};

/** A run on paper: each word moves it one step, a second later. */
const story = (first: 'admitted' | 'queued' | 'retried') => {
  const model = modelOf(definition());
  let at = Date.parse('2026-01-05T02:00:00.000Z');
  let loaded: Loaded = {
    ...model.fresh,
    run: {
      ...model.fresh.run,
      runId: 'r_01KE600000000000000000MODEL',
      createdAt: at,
      updatedAt: at,
      number: 8,
      lock: first === 'queued' ? null : { key: 'market-data', since: at },
      ...(first === 'retried' && {
        trigger: 'retry',
        metadata: { retry_of: behind.run_id, retry_from: 'analyzer' },
      }),
    },
  };
  const events: NewEvent[] = [];
  const deliver = (delivery: Delivery): void => {
    const decision = decided(model, loaded, delivery, at);
    loaded = applied(loaded, decision);
    events.push(...decision.events);
    at += 1000;
  };
  const fenceOf = (kind: string) => {
    const row = loaded.effects.find(
      (effect) => effect.kind === kind && effect.state !== 'dropping',
    );
    if (!row) throw new Error(`no ${kind} is live`);
    return { kind: 'effect' as const, id: row.id, stamp: row.stamp };
  };
  const done = (kind: string, output: unknown = {}): void => {
    const fence = fenceOf(kind);
    // A drain answers once nothing is left.
    if (kind === 'drain')
      loaded = { ...loaded, effects: loaded.effects.filter(({ state }) => state !== 'dropping') };
    deliver({
      event: { type: `xstate.done.actor.${fence.id}`, output, actorId: fence.id },
      fence,
      cause: { kind: 'effect' },
    });
  };
  const error = (kind: string, failure: Failure): void => {
    const fence = fenceOf(kind);
    deliver({
      event: { type: `xstate.error.actor.${fence.id}`, error: failure, actorId: fence.id },
      fence,
      cause: { kind: 'effect' },
    });
  };
  const timer = (name: string): void => {
    const row = loaded.timers.find(({ id }) => id.includes(name));
    if (!row) throw new Error(`no timer ${name} is armed`);
    deliver({
      event: eventOfTimer(row.id),
      fence: { kind: 'timer', id: row.id, stamp: row.stamp },
      cause: { kind: 'timer' },
    });
  };
  const stage = (answer: object = {}): void =>
    done('stage', { outputs: {}, metrics: { rows: 12 }, skipped: null, ...answer });
  const command = (asked: Command): void =>
    deliver({
      event: eventOfCommand(asked, 'api'),
      fence: null,
      cause: { kind: 'command', actor: 'api' },
    });
  const shown = (name: string): Example => ({ name, status: statusOf(loaded.run, 42), events });
  const run_id = loaded.run.runId;
  const accepted: Record<typeof first, Delivery['event']> = {
    admitted: { type: 'ADMITTED', run_id },
    queued: { type: 'ENQUEUED', run_id, queued: behind },
    retried: { type: 'ADMITTED', run_id, reused },
  };
  deliver({ event: accepted[first], fence: null, cause: { kind: 'command', actor: 'api' } });
  return { done, error, timer, stage, command, shown, deliver, fenceOf };
};

/**
 * The status object in every state that a linear run can show; docs/examples/status/ holds the same
 * as files.
 */
export const everyExample = (): Example[] => {
  const told = (
    name: string,
    tell: (on: ReturnType<typeof story>) => void,
    first: Parameters<typeof story>[0] = 'admitted',
  ): Example => {
    const on = story(first);
    tell(on);
    return on.shown(name);
  };
  const running = (on: ReturnType<typeof story>) => on.done('preflight');
  const stageDone = (on: ReturnType<typeof story>) => {
    on.stage();
    on.done('verify');
  };
  const skipped = { outputs: {}, metrics: {}, skipped: 'no new files' };
  return [
    { name: 'idle', status: idleStatus(definition(), 42, null), events: [] },
    told('queued', () => {}, 'queued'),
    told('starting', () => {}),
    told('running', running),
    told('verifying', (on) => {
      running(on);
      on.stage();
    }),
    told('second-stage', (on) => {
      running(on);
      stageDone(on);
    }),
    told('retrying', (on) => {
      running(on);
      on.error('stage', broken);
    }),
    told('second-attempt', (on) => {
      running(on);
      on.error('stage', broken);
      on.timer('backingOff');
    }),
    told('timed-out', (on) => {
      running(on);
      on.timer('attempting');
    }),
    told('interrupted', (on) => {
      running(on);
      on.deliver({
        event: { type: 'INTERRUPTED', message: 'the service was gone while it was running' },
        fence: on.fenceOf('stage'),
        cause: { kind: 'recovery' },
      });
      on.done('drain');
    }),
    told('failing', (on) => {
      running(on);
      on.error('stage', { ...broken, retryable: false });
    }),
    told('failed', (on) => {
      running(on);
      on.error('stage', { ...broken, retryable: false });
      on.done('drain');
    }),
    told('pause-requested', (on) => {
      running(on);
      on.command({ type: 'PAUSE', reason: 'look first' });
    }),
    told('paused', (on) => {
      running(on);
      on.command({ type: 'PAUSE', reason: 'look first' });
      stageDone(on);
    }),
    told('skipping', (on) => {
      running(on);
      on.command({ type: 'SKIP_STAGE', reason: 'no data today' });
    }),
    told('skipped', (on) => {
      running(on);
      on.command({ type: 'SKIP_STAGE', reason: 'no data today' });
      on.done('drain');
    }),
    told('retried', (on) => running(on), 'retried'),
    told('stopping', (on) => {
      running(on);
      on.command(stop);
    }),
    told('stopped', (on) => {
      running(on);
      on.command(stop);
      on.done('drain');
    }),
    told('done', (on) => {
      running(on);
      for (let stage = 0; stage < 3; stage += 1) stageDone(on);
    }),
    told('partial', (on) => {
      running(on);
      on.stage({ partial: 'NG failed; 5 instruments succeeded' });
      on.done('verify');
      for (let stage = 0; stage < 2; stage += 1) stageDone(on);
    }),
    told('noop', (on) => {
      running(on);
      for (let stage = 0; stage < 3; stage += 1) on.stage(skipped);
    }),
  ];
};
