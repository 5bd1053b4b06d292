import { allStages, roleOf, type StageDefinition } from '../../definition/definition.ts';
import { groupOf } from '../../definition/groups.ts';
import type { RunContext } from '../../machines/context.ts';
import type { Loaded } from '../../services/store/run-rows.ts';
import { viewOf } from '../../services/store/run-view.ts';
import type { CommandType } from '../../wire/command-table.ts';
import type { Failure } from '../../wire/failure.ts';
import { applyPatch, type StatusPatch } from '../../wire/patch.ts';
import { commandTypeSchema } from '../../wire/status.ts';
import type { Edge } from './world.ts';

export const finals = ['DONE', 'FAILED', 'STOPPED'];
const ends = ['succeeded', 'failed', 'skipped', 'stopped', 'lost'];
const isCommand = (type: string): type is CommandType =>
  (commandTypeSchema.options as string[]).includes(type);
const contextOf = ({ run }: Loaded): RunContext =>
  (run.snapshot as { context: RunContext }).context;
/** The stages and hooks that a run is in and that are not over, each with what it does. */
const placesOf = ({ run }: Loaded): { top: string; stage: string; phase: string }[] => {
  const { value } = run.snapshot as { value: string | Record<string, object> };
  if (typeof value === 'string') return [];
  return Object.entries(value).flatMap(([top, steps]) =>
    Object.entries(steps)
      .flatMap(([stage, phase]) =>
        typeof phase === 'string' ? [[stage, phase]] : Object.entries<string>(phase),
      )
      .map(([stage = '', phase = '']) => ({ top, stage, phase }))
      .filter(({ phase }) => phase !== 'over'),
  );
};
const moved = ({ decision }: Edge): boolean => decision.next !== undefined;

/**
 * Whether this step is a failure of an attempt that is judged by its retries, and of which stage.
 * @returns null when it is none
 */
export const judgedFailure = ({ from, delivery, decision }: Edge): string | null => {
  const { event } = delivery;
  const [, kind, name = ''] =
    /^xstate\.(error\.actor\.(?:attempt|verify)|done\.actor\.drain)-(.*)$/.exec(event.type) ?? [];
  const ending = contextOf(from).stages[name]?.ending;
  const hasFailed = kind?.startsWith('error')
    ? (event.error as Failure).code === 'exit-code'
    : ending?.kind === 'timeout' || ending?.kind === 'heartbeat';
  const error = (event.error as Failure | undefined) ?? ending?.failure;
  return hasFailed && error?.retryable && decision.ledger.verdict === 'accepted' ? name : null;
};

/** What holds of every step of every run, whatever its definition. */
export const invariants: Record<string, (edge: Edge) => void> = {
  'I1: a final state has no way out': ({ from, decision }) => {
    if (finals.includes(from.run.projection.state)) expect(decision.next).toBeUndefined();
  },
  'I2: every other state has a live effect or a timer that will move it, and a sentence that says so':
    ({ to }) => {
      if ([...finals, 'PAUSED', 'QUEUED', 'AWAITING_APPROVAL'].includes(to.run.projection.state))
        return expect(to.run.projection.why).not.toBe('');
      expect(
        to.effects.filter(({ state }) => state !== 'dropping').length + to.timers.length,
      ).toBeGreaterThan(0);
      expect(to.run.projection.why).not.toBe('');
    },
  'I2: an attempt has a deadline, and a backoff is a timer': ({ to }) => {
    const names = to.timers.map(({ id }) => id).join(' ');
    for (const { kind, state, input } of to.effects)
      if (kind === 'stage' && state !== 'dropping')
        expect(names).toContain(`attemptTimeout.${input.stage}.`);
    if (to.run.endedAt !== null) return;
    for (const { name, state } of to.run.projection.stages)
      if (state === 'retrying' && (to.run.snapshot as { value: object }).value instanceof Object)
        expect(names).toContain(`backoff.${name}.`);
  },
  'I6: an answer nobody waits for moves nothing and is recorded': ({ delivery, decision }) => {
    if (delivery.fence?.id !== 'nobody') return;
    expect([
      decision.next,
      decision.ledger.verdict,
      decision.events.map(({ event }) => event),
    ]).toEqual([undefined, 'stale', ['stale']]);
  },
  'I6, I13: whatever a dropped attempt still says is stale, and its row is left to the drain': ({
    from,
    to,
    delivery,
    decision,
  }) => {
    const { fence } = delivery;
    const said = from.effects.find(
      ({ id, stamp, state }) => state === 'dropping' && id === fence?.id && stamp === fence.stamp,
    );
    if (!said) return;
    expect([decision.ledger.verdict, decision.next]).toEqual(['stale', undefined]);
    expect([to.effects, to.timers]).toEqual([from.effects, from.timers]);
  },
  'I8, I13, T1: no next attempt, next stage or final state while a dropped stage effect is not drained':
    ({ to }) => {
      const dropping = to.effects.filter(({ state }) => state === 'dropping');
      if (dropping.length === 0) return;
      expect(finals).not.toContain(to.run.projection.state);
      expect(to.run.projection.state).not.toBe('RETRYING');
      // What may work meanwhile stands beside it, in the same group.
      for (const { input } of dropping)
        for (const { kind, state, input: other } of to.effects) {
          if (kind !== 'stage' || state === 'dropping') continue;
          expect(other.stage).not.toBe(input.stage);
          expect(groupOf(to.run.definition, input.stage as string)?.stages).toContain(other.stage);
        }
    },
  'I9: attempts never exceed retries + 1 + recorded interruptions': ({ to }) => {
    const { stages } = to.run.projection;
    expect(stages.filter((one) => one.attempt > one.max_attempts)).toEqual([]);
  },
  'I9: every retry of the file is taken and none more; interruptions take none away': (edge) => {
    const name = judgedFailure(edge);
    if (name === null) return;
    const { decision, events, from } = edge;
    const failures = events.filter((one) => one.stage === name && one.event === 'failed').length;
    const { definition } = from.run;
    const limit = allStages(definition).find((one) => one.name === name)?.retry.limit ?? 0;
    const isRetried = decision.events.some(({ event }) => event === 'retrying');
    expect([failures, isRetried]).toEqual([failures, failures <= limit]);
  },
  'S42: on every path one start and one end per attempt': ({ events, to }) => {
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
  },
  'I7: a change of the public state is one event, the last of its step': (edge) => {
    const changes = edge.decision.events.filter(({ event }) => event === 'state_change');
    const differs = edge.from.run.projection.state !== edge.to.run.projection.state;
    expect(changes.length).toBe(differs ? 1 : 0);
    if (differs) expect(edge.decision.events.at(-1)).toBe(changes[0]);
  },
  'S16: the last event of a step carries what turns the public view before into the one after': (
    edge,
  ) => {
    if (!moved(edge)) return;
    const patch = edge.decision.events.at(-1)?.data.patch as StatusPatch;
    const before = edge.from.run.version === 0 ? null : viewOf(edge.from.run);
    expect(applyPatch(before, patch)).toEqual(viewOf(edge.to.run));
  },
  'I11, I12: the projection is a function of the saved snapshot and the version counts accepted transitions':
    (edge) => {
      expect(edge.to.run.version).toBe(edge.from.run.version + (moved(edge) ? 1 : 0));
    },
  'a command is allowed exactly where it is accepted, and refused with a sentence where it is not':
    ({ from, delivery, decision }) => {
      const { type } = delivery.event;
      // RETRY_FROM makes a new run; the old one has ended, and ends nothing again. Outputs make
      // legal what is not without them.
      if (!isCommand(type) || type === 'RETRY_FROM') return;
      const { verdict, why } = decision.ledger;
      if (verdict === 'refused') expect(why).toMatch(/\w+ \w+/);
      const { outputs, stage } = delivery.event as { outputs?: object; stage?: string | null };
      if (type === 'SKIP_STAGE' && outputs) return;
      const isAllowed = from.run.projection.allowed.includes(type);
      // Of several stages one has to be named, and then it is asked of that one alone.
      if ((stage ?? null) !== null || /fit; say which/.test(why ?? ''))
        return verdict === 'accepted' ? expect(isAllowed).toBe(true) : undefined;
      expect(verdict).toBe(isAllowed ? 'accepted' : 'refused');
    },
  'RETRY_FROM is allowed of what FAILED or was STOPPED, and of nothing else': ({ to }) => {
    const { state, allowed } = to.run.projection;
    expect(allowed.includes('RETRY_FROM')).toBe(state === 'FAILED' || state === 'STOPPED');
  },
  'PAUSED: nothing works, no limit counts, and only RESUME, SKIP_STAGE and STOP lead out': ({
    from,
    to,
    delivery,
    decision,
  }) => {
    if (to.run.projection.state === 'PAUSED') expect([to.effects, to.timers]).toEqual([[], []]);
    if (
      from.run.projection.state !== 'PAUSED' ||
      to.run.projection.state === 'PAUSED' ||
      !decision.next
    )
      return;
    expect(['RESUME', 'SKIP_STAGE', 'STOP', 'FAULT']).toContain(delivery.event.type);
  },
  'a limit of the run or of a stage is armed wherever it counts': ({ to }) => {
    const { definition } = to.run;
    const limits = to.timers.map(({ id }) => id).filter((id) => /_TIMEOUT(\.|$)/.test(id));
    const places = placesOf(to).filter(({ phase }) => !['paused', 'awaiting'].includes(phase));
    const inRun = places.some(({ top }) => top === 'running');
    const ofStages = places
      .map(({ stage: of }) => allStages(definition).find(({ name }) => name === of))
      .flatMap((one) => (one && one.totalTimeoutMs !== null ? [one] : []));
    // Where it ends its stage alone, a limit that is over is no timer any more.
    const { stages: facts } = contextOf(to);
    const isAlone = ({ name, allowFailure }: StageDefinition): boolean =>
      allowFailure || groupOf(definition, name) !== null || roleOf(definition, name) !== null;
    const maybe = ofStages
      .filter((one) => isAlone(one) && facts[one.name]?.ending)
      .map(({ name }) => `STAGE_TIMEOUT.${name}`);
    const isSure = (id: string): boolean => !maybe.includes(id);
    expect(limits.filter(isSure).toSorted()).toEqual(
      [
        ...(inRun && definition.timeoutMs !== null ? ['RUN_TIMEOUT'] : []),
        ...ofStages.map(({ name }) => `STAGE_TIMEOUT.${name}`),
      ]
        .filter(isSure)
        .toSorted(),
    );
  },
  'what has failed or is over beside others stays so until the group is': ({ from, to }) => {
    for (const { name, state, group } of from.run.projection.stages) {
      if (group === undefined || !['succeeded', 'skipped', 'failed', 'reused'].includes(state))
        continue;
      expect(to.run.projection.stages.find((one) => one.name === name)?.state).toBe(state);
    }
  },
  'no stage of a group begins before what stands above it is over, none below it before the group is':
    ({ to }) => {
      const states = to.run.projection.stages.filter(({ role }) => role === undefined);
      const { definition } = to.run;
      const isBegun = (state: string): boolean => state !== 'pending' && state !== 'reused';
      const allowed = definition.stages.filter((one) => one.allowFailure).map((one) => one.name);
      const isOver = (of: string, state: string): boolean =>
        ['succeeded', 'skipped', 'reused', ...(allowed.includes(of) ? ['failed'] : [])].includes(
          state,
        );
      const early = states.flatMap(({ name, state }, index) => {
        if (!isBegun(state)) return [];
        const beside = groupOf(definition, name)?.stages ?? [name];
        const before = states.slice(0, index).filter((one) => !beside.includes(one.name));
        return before.filter((one) => !isOver(one.name, one.state)).map((one) => [name, one.name]);
      });
      expect(early).toEqual([]);
    },
  'a hook begins only when no stage is at work, and stages do not change any more': ({
    from,
    to,
  }) => {
    const isHook = (name: string): boolean => roleOf(to.run.definition, name) !== null;
    const begun = to.run.projection.stages.filter(
      ({ name, state }) => isHook(name) && state !== 'pending',
    );
    if (begun.length === 0) return;
    expect(to.effects.filter(({ input }) => input.stage && !isHook(input.stage))).toEqual([]);
    for (const was of from.run.projection.stages.filter(({ role }) => role === undefined))
      if (from.run.projection.stages.some(({ name, state }) => isHook(name) && state !== 'pending'))
        expect(to.run.projection.stages).toContainEqual(was);
  },
  'a final run leaves no effect and no timer': ({ to }) => {
    if (!finals.includes(to.run.projection.state)) return;
    expect([to.effects, to.timers]).toEqual([[], []]);
  },
};
