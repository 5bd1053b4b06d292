import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { Loaded } from '../../services/store/run-rows.ts';
import { pipeline, stage } from '../support/definition.ts';
import { admitted, applied, decided, modelOf } from '../support/model.ts';

const model = modelOf(
  pipeline([stage('one', { timeoutMs: 5000, totalTimeoutMs: 9000, graceMs: 60_000 })]),
);
const command = { kind: 'command' as const, actor: 'ada' };
const release: Delivery = {
  event: { type: 'RELEASE', reason: 'enough', by: 'ada' },
  fence: null,
  cause: command,
};

const told = (loaded: Loaded, delivery: Delivery): Loaded =>
  applied(loaded, decided(model, loaded, delivery, loaded.run.version * 100));
const answer = (loaded: Loaded, kind: string): Loaded => {
  const row = loaded.effects.find((effect) => effect.kind === kind);
  if (!row) throw new Error(`no ${kind} is live`);
  const event = { type: `xstate.done.actor.${row.id}` as const, output: {}, actorId: row.id };
  const fence = { kind: 'effect' as const, id: row.id, stamp: row.stamp };
  return told(loaded, { event, fence, cause: { kind: 'effect' } });
};
const timer = (loaded: Loaded, name: string): Loaded => {
  const row = loaded.timers.find(({ id }) => id.includes(name));
  if (!row) throw new Error(`no timer ${name} is armed`);
  const { id, stamp } = row;
  const event = eventOfTimer(id);
  return told(loaded, { event, fence: { kind: 'timer', id, stamp }, cause: { kind: 'timer' } });
};
const stop: Delivery = {
  event: { type: 'STOP', reason: null, by: 'ada', grace_ms: null },
  fence: null,
  cause: command,
};

const working = (): Loaded => answer(told(model.fresh, admitted), 'preflight');
const ending = (): Loaded => timer(working(), 'attemptTimeout');
const states: [string, () => Loaded][] = [
  ['running.one.ending', ending],
  ['failing', () => timer(ending(), 'STAGE_TIMEOUT')],
  ['stopping', () => told(working(), stop)],
];

test.each(states)(
  'm22: in %s a run is not released while its processes can still be ended, and says so',
  (state, reach) => {
    const loaded = reach();
    const dropping = loaded.effects.filter((effect) => effect.state === 'dropping');
    expect(dropping).toHaveLength(1);
    const decision = decided(model, loaded, release, 1000);
    expect(decision.ledger).toMatchObject({
      from: state,
      verdict: 'refused',
      guards: [{ guard: 'isStuck', holds: false }],
      why: 'every process of the run can still be ended; stop it',
    });
    expect([decision.remove, decision.next]).toEqual([[], undefined]);
  },
);

test.each(states)(
  'in %s it is released once a process has outlived SIGKILL, and its row is forgotten',
  (_state, reach) => {
    const loaded = reach();
    const stuck = told(loaded, {
      event: { type: 'DRAIN_LATE', pids: [4711] },
      fence: null,
      cause: { kind: 'watchdog' },
    });
    const decision = decided(model, stuck, release, 1000);
    expect(decision.ledger.verdict).toBe('accepted');
    expect(decision.remove.map(({ id }) => id)).toContain('attempt-one');
  },
);
