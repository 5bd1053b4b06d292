import { allStages, type PipelineDefinition } from '../../definition/definition.ts';
import { type Command, eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { RunContext } from '../../machines/context.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { Decision, EffectRow, Loaded } from '../../services/store/run-rows.ts';
import { viewOf } from '../../services/store/run-view.ts';
import type { CommandType } from '../../wire/command-table.ts';
import type { Failure } from '../../wire/failure.ts';
import { applyPatch, type StatusPatch } from '../../wire/patch.ts';
import { commandTypeSchema } from '../../wire/status.ts';
import { pipeline, retries, stage } from '../support/definition.ts';
import { admitted, applied, decided, type Model, modelOf } from '../support/model.ts';

const asked: Command[] = [
  ...Object.values(plainCommands),
  { type: 'SKIP_STAGE', outputs: { n: 1 } },
];
const failure = (retryable: boolean, code = 'exit-code'): Failure => ({
  code,
  message: `${code}`,
  retryable,
});
const fenceOf = (row: { id: string; stamp: number }, kind: 'effect' | 'timer') =>
  ({ kind, id: row.id, stamp: row.stamp }) as const;

/**
 * Everything the world can say to a run that stands here: each answer of each effect, each timer,
 * each command.
 */
const possible = ({ run, effects, timers }: Loaded): Delivery[] => {
  // A process that nobody can end leads to the same in every stage; one keeps the number of paths
  // in hand.
  const isPlain =
    allStages(run.definition).length === 1 && run.definition.stages[0]?.files.length === 0;
  const list: Delivery[] = [];
  const tell = (
    event: Delivery['event'],
    fence: Delivery['fence'],
    kind: Delivery['cause']['kind'],
  ) => list.push({ event, fence, cause: { kind } });
  const done = (row: EffectRow, output: unknown) =>
    tell(
      { type: `xstate.done.actor.${row.id}`, output, actorId: row.id },
      fenceOf(row, 'effect'),
      'effect',
    );
  const error = (row: EffectRow, what: Failure) =>
    tell(
      { type: `xstate.error.actor.${row.id}`, error: what, actorId: row.id },
      fenceOf(row, 'effect'),
      'effect',
    );
  for (const row of effects.filter(({ state }) => state !== 'dropping')) {
    if (row.kind === 'drain') {
      // A drain answers only after every dropping row of the run is forgotten; `drained` below does
      // that.
      done(row, {});
      if (isPlain) tell({ type: 'DRAIN_LATE', pids: [7] }, fenceOf(row, 'effect'), 'watchdog');
      continue;
    }
    done(row, row.kind === 'stage' ? { outputs: {}, metrics: {}, skipped: null } : {});
    if (row.kind === 'preflight' && row.input.stage) done(row, { skipped: 'x is 1, not 2' });
    error(row, failure(true));
    error(row, failure(false));
    if (row.kind !== 'stage') continue;
    done(row, { outputs: {}, metrics: {}, skipped: 'nothing new' });
    error(row, failure(true, 'interrupted'));
    tell({ type: 'INTERRUPTED', message: 'gone' }, fenceOf(row, 'effect'), 'recovery');
    tell({ type: 'HEARTBEAT_LATE', silent_ms: 1 }, fenceOf(row, 'effect'), 'watchdog');
  }
  // What was dropped may still speak, until its drain has proven that it is gone.
  for (const row of effects.filter(({ state }) => state === 'dropping')) {
    done(row, { outputs: { late: true }, metrics: {}, skipped: null });
    tell({ type: 'INTERRUPTED', message: 'gone' }, fenceOf(row, 'effect'), 'recovery');
  }
  for (const row of timers) tell(eventOfTimer(row.id), fenceOf(row, 'timer'), 'timer');
  for (const command of asked) tell(eventOfCommand(command, 'test'), null, 'command');
  if (isPlain) tell({ type: 'RELEASE', reason: 'dead disk', by: 'test' }, null, 'command');
  tell({ type: 'FAULT', code: 'chart-fault', message: 'broken', during: 'test' }, null, 'effect');
  tell(
    { type: 'xstate.done.actor.nobody', output: null, actorId: 'nobody' },
    { kind: 'effect', id: 'nobody', stamp: 1 },
    'effect',
  );
  return list;
};

const drained = (loaded: Loaded, delivery: Delivery): Loaded =>
  delivery.fence?.id.startsWith('drain-') && delivery.event.type.startsWith('xstate.done')
    ? { ...loaded, effects: loaded.effects.filter(({ state }) => state !== 'dropping') }
    : loaded;

/** States are one when they differ in nothing but instants and counters of steps. */
const keyOf = ({ run, effects, timers }: Loaded): string => {
  const { value, context } = run.snapshot as { value: unknown; context: RunContext };
  const stages = Object.values(context.stages).map(({ state, attempt, interruptions }) => [
    state,
    attempt,
    Math.min(interruptions, 2),
  ]);
  return JSON.stringify([
    value,
    stages,
    Object.values(context.stages).map(({ attemptOpen, ending }) => [attemptOpen, ending?.kind]),
    context.pause !== null,
    context.error?.code,
    context.stuck !== null,
    effects.map(({ id, state }) => [id, state]),
    timers.map(({ id }) => id),
  ]);
};

type Edge = {
  from: Loaded;
  delivery: Delivery;
  decision: Decision;
  to: Loaded;
  events: Decision['events'];
};

/**
 * Walks every reachable transition breadth first; interruptions are cut off, they may repeat for
 * ever.
 */
const explore = (model: Model, maxInterruptions: number, visit: (edge: Edge) => void): number => {
  const start = applied(model.fresh, decided(model, model.fresh, admitted, 1));
  const first = decided(model, model.fresh, admitted, 1).events;
  const seen = new Set<string>([keyOf(start)]);
  const queue: { at: Loaded; events: Decision['events']; depth: number }[] = [
    { at: start, events: first, depth: 1 },
  ];
  let edges = 0;
  for (let item = queue.shift(); item; item = queue.shift()) {
    const interruptions = Object.values(
      (item.at.run.snapshot as { context: RunContext }).context.stages,
    ).map((one) => one.interruptions);
    for (const delivery of possible(item.at)) {
      const from = drained(item.at, delivery);
      const decision = decided(model, from, delivery, item.depth * 1000);
      const to = applied(from, decision);
      const events = [...item.events, ...decision.events];
      edges += 1;
      visit({ from, delivery, decision, to, events });
      if (seen.has(keyOf(to)) || Math.max(...interruptions) > maxInterruptions) continue;
      seen.add(keyOf(to));
      queue.push({ at: to, events, depth: item.depth + 1 });
    }
  }
  return edges;
};

const ends = ['succeeded', 'failed', 'skipped', 'stopped', 'lost'];
const finals = ['DONE', 'FAILED', 'STOPPED'];
const isCommand = (type: string): type is CommandType =>
  (commandTypeSchema.options as string[]).includes(type);
const charts: Record<string, PipelineDefinition> = {
  'one stage': pipeline([stage('one')]),
  'one stage with a retry and files': pipeline([
    stage('one', { ...retries(1), files: [{ path: '*.txt', min: 1 }] }),
  ]),
  'two stages, the second says on_restart: fail': pipeline([
    stage('one', retries(1)),
    stage('two', { onRestart: 'fail' }),
  ]),
  'two stages, the first used by the second, with a total timeout and a warning': pipeline([
    stage('one', { ...retries(1), totalTimeoutMs: 90_000, warnAfterMs: 5000 }),
    stage('two', { with: { n: '${stages.one.outputs.n}' } }),
  ]),
  'two stages, the first with a when and allowed to fail within a total timeout': pipeline([
    stage('one', { allowFailure: true, totalTimeoutMs: 90_000, when: { equals: [1, 1] } }),
    stage('two'),
  ]),
  'an approval with a deadline before a stage, with a run timeout': pipeline(
    [
      stage('ask', {
        program: { kind: 'approval', message: 'go?', deadlineMs: 5000, otherwise: 'reject' },
      }),
      stage('two'),
    ],
    { timeoutMs: 60_000 },
  ),
  'one stage with a hook of its failure and one of every end': pipeline([stage('one')], {
    onFailure: [stage('tell')],
    finally: [stage('clean')],
  }),
  'three stages with a run timeout': pipeline(
    [stage('translator', retries(1)), stage('analyzer'), stage('merger', retries(1))],
    {
      timeoutMs: 60_000,
    },
  ),
};

describe.each(Object.entries(charts))('every reachable transition of %s', (_name, definition) => {
  const model = modelOf(definition);
  const edges: Edge[] = [];
  // Two in a row show the backoff of a crash loop; with three stages one keeps the number of paths
  // in hand.
  const most = allStages(definition).length > 2 ? 0 : 2;
  const count = explore(model, most, (edge) => edges.push(edge));
  const each = (check: (edge: Edge) => void) => {
    expect(count).toBeGreaterThan(20);
    for (const edge of edges) check(edge);
  };
  const moved = ({ decision }: Edge) => decision.next !== undefined;

  test('I1: a final state has no way out', () =>
    each((edge) => {
      if (finals.includes(edge.from.run.projection.state))
        expect(edge.decision.next).toBeUndefined();
    }));

  test('I2: every other state has a live effect or a timer that will move it, and a sentence that says so', () =>
    each(({ to }) => {
      if ([...finals, 'PAUSED', 'QUEUED', 'AWAITING_APPROVAL'].includes(to.run.projection.state))
        return expect(to.run.projection.why).not.toBe('');
      expect(
        to.effects.filter(({ state }) => state !== 'dropping').length + to.timers.length,
      ).toBeGreaterThan(0);
      expect(to.run.projection.why).not.toBe('');
    }));

  test('I2: an attempt has a deadline, and a backoff is a timer', () =>
    each(({ to }) => {
      const names = to.timers.map(({ id }) => id).join(' ');
      if (to.effects.some(({ kind, state }) => kind === 'stage' && state !== 'dropping'))
        expect(names).toContain('attemptTimeout');
      if (to.run.projection.state === 'RETRYING') expect(names).toContain('backoff');
    }));

  test('I6: an answer nobody waits for moves nothing and is recorded', () =>
    each(({ delivery, decision }) => {
      if (delivery.fence?.id !== 'nobody') return;
      expect([
        decision.next,
        decision.ledger.verdict,
        decision.events.map(({ event }) => event),
      ]).toEqual([undefined, 'stale', ['stale']]);
    }));

  test('I6, I13: whatever a dropped attempt still says is stale, and its row is left to the drain', () => {
    let met = 0;
    each(({ from, to, delivery, decision }) => {
      const { fence } = delivery;
      const said = from.effects.find(
        ({ id, stamp, state }) => state === 'dropping' && id === fence?.id && stamp === fence.stamp,
      );
      if (!said) return;
      met += 1;
      expect([decision.ledger.verdict, decision.next]).toEqual(['stale', undefined]);
      expect([to.effects, to.timers]).toEqual([from.effects, from.timers]);
    });
    expect(met).toBeGreaterThan(0);
  });

  test('I8, I13, T1: no next attempt, next stage or final state while a dropped stage effect is not drained', () =>
    each((edge) => {
      const dropping = edge.to.effects.filter(({ state }) => state === 'dropping');
      if (dropping.length === 0) return;
      expect(
        edge.to.effects.filter(({ kind, state }) => kind === 'stage' && state !== 'dropping'),
      ).toEqual([]);
      expect(finals).not.toContain(edge.to.run.projection.state);
      expect(edge.to.run.projection.state).not.toBe('RETRYING');
    }));

  test('I9: attempts never exceed retries + 1 + recorded interruptions', () =>
    each(({ to }) => {
      for (const one of to.run.projection.stages)
        expect(one.attempt).toBeLessThanOrEqual(one.max_attempts);
    }));

  test('I9: every retry of the file is taken and none more; interruptions take none away', () => {
    const retried = { yes: 0, no: 0 };
    each(({ from, delivery, decision, events }) => {
      const { type } = delivery.event;
      const { stages, stage: name } = (from.run.snapshot as { context: RunContext }).context;
      const ending = name === null ? null : stages[name]?.ending;
      const hasFailed =
        (/^xstate\.error\.actor\.(attempt|verify)-/.test(type) &&
          (delivery.event.error as Failure).code === 'exit-code') ||
        (type === `xstate.done.actor.drain-${name}` &&
          (ending?.kind === 'timeout' || ending?.kind === 'heartbeat'));
      const error = (delivery.event.error as Failure | undefined) ?? ending?.failure;
      if (!hasFailed || !error?.retryable || decision.ledger.verdict !== 'accepted') return;
      const failures = events.filter((one) => one.stage === name && one.event === 'failed').length;
      const limit = definition.stages.find((one) => one.name === name)?.retry.limit ?? 0;
      const isRetried = decision.events.some(({ event }) => event === 'retrying');
      expect([failures, isRetried]).toEqual([failures, failures <= limit]);
      retried[isRetried ? 'yes' : 'no'] += 1;
    });
    expect(retried.no).toBeGreaterThan(0);
    if (definition.stages.some(({ retry }) => retry.limit > 0))
      expect(retried.yes).toBeGreaterThan(0);
  });

  test('S42: on every path one start and one end per attempt', () =>
    each(({ events, to }) => {
      const open = new Map<string, number>();
      for (const { stage: name, attempt, event } of events) {
        if (attempt === undefined) continue;
        const key = `${name}/${attempt}`;
        const change = event === 'started' ? 1 : ends.includes(event) ? -1 : 0;
        open.set(key, (open.get(key) ?? 0) + change);
        if (change !== 0 && open.get(key) !== (change === 1 ? 1 : 0))
          throw new Error(`${key} has ${open.get(key)} open at ${event}`);
      }
      if (finals.includes(to.run.projection.state))
        expect([...open.values()].filter((left) => left !== 0)).toEqual([]);
    }));

  test('I7: a change of the public state is one event, the last of its step', () =>
    each((edge) => {
      const changes = edge.decision.events.filter(({ event }) => event === 'state_change');
      const differs = edge.from.run.projection.state !== edge.to.run.projection.state;
      expect(changes.length).toBe(differs ? 1 : 0);
      if (differs) expect(edge.decision.events.at(-1)).toBe(changes[0]);
    }));

  test('S16: the last event of a step carries what turns the public view before into the one after', () =>
    each((edge) => {
      if (!moved(edge)) return;
      const patch = edge.decision.events.at(-1)?.data.patch as StatusPatch;
      const before = edge.from.run.version === 0 ? null : viewOf(edge.from.run);
      expect(applyPatch(before, patch)).toEqual(viewOf(edge.to.run));
    }));

  test('I11, I12: the projection is a function of the saved snapshot and the version counts accepted transitions', () =>
    each((edge) => {
      expect(edge.to.run.version).toBe(edge.from.run.version + (moved(edge) ? 1 : 0));
    }));

  test('a command is allowed exactly where it is accepted, and refused with a sentence where it is not', () =>
    each(({ from, delivery, decision }) => {
      const { type } = delivery.event;
      // RETRY_FROM makes a new run; the old one has ended, and ends nothing again. Outputs make
      // legal what is not without them.
      if (
        !isCommand(type) ||
        type === 'RETRY_FROM' ||
        (type === 'SKIP_STAGE' && delivery.event.outputs)
      )
        return;
      expect(decision.ledger.verdict).toBe(
        from.run.projection.allowed.includes(type) ? 'accepted' : 'refused',
      );
      if (decision.ledger.verdict === 'refused') expect(decision.ledger.why).toMatch(/\w+ \w+/);
    }));

  test('RETRY_FROM is allowed of what FAILED or was STOPPED, and of nothing else', () =>
    each(({ to }) => {
      const { state, allowed } = to.run.projection;
      expect(allowed.includes('RETRY_FROM')).toBe(state === 'FAILED' || state === 'STOPPED');
    }));

  test('PAUSED: nothing works, no limit counts, and only RESUME, SKIP_STAGE and STOP lead out', () =>
    each(({ from, to, delivery, decision }) => {
      if (to.run.projection.state === 'PAUSED') expect([to.effects, to.timers]).toEqual([[], []]);
      if (
        from.run.projection.state !== 'PAUSED' ||
        to.run.projection.state === 'PAUSED' ||
        !decision.next
      )
        return;
      expect(['RESUME', 'SKIP_STAGE', 'STOP', 'FAULT']).toContain(delivery.event.type);
    }));

  test('a limit of the run or of a stage is armed wherever it counts', () =>
    each(({ to }) => {
      const { state, stage: name } = to.run.projection;
      const limits = to.timers.map(({ id }) => id).filter((id) => /_TIMEOUT(\.|$)/.test(id));
      const counts = state.startsWith('RUNNING') || state === 'RETRYING';
      const failing = (to.run.snapshot as { value: unknown }).value === 'failing';
      const wanted = counts && !failing;
      const total = definition.stages.find((one) => one.name === name)?.totalTimeoutMs ?? null;
      const { stages } = (to.run.snapshot as { context: RunContext }).context;
      // Its total timeout is over where that ends it, and may be where somebody skips it.
      if (['total', 'skip'].includes(stages[name ?? '']?.ending?.kind ?? '')) return;
      expect(limits.toSorted()).toEqual(
        [
          ...(wanted && definition.timeoutMs !== null ? ['RUN_TIMEOUT'] : []),
          ...(wanted && total !== null ? [`STAGE_TIMEOUT.${name}`] : []),
        ].toSorted(),
      );
    }));

  test('no live state is a dead end: DONE, FAILED and STOPPED are each reached', () => {
    expect(
      new Set(
        edges.map(({ to }) => to.run.projection.state).filter((state) => finals.includes(state)),
      ),
    ).toEqual(new Set(finals));
  });

  test('a final run leaves no effect and no timer', () =>
    each(({ to }) => {
      if (!finals.includes(to.run.projection.state)) return;
      expect([to.effects, to.timers]).toEqual([[], []]);
    }));
});
