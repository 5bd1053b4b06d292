import { type Command, eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { RunContext } from '../../machines/context.ts';
import { stuckOf } from '../../machines/facts.ts';
import { fittingStages } from '../../wire/beside.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Status } from '../../wire/status.ts';
import { isNoSpace } from '../host/no-space.ts';
import { ServiceError } from '../host/service-error.ts';
import { type Delivery, RefusedAgain, VersionMoved } from '../interpreter/decide.ts';
import type { Stops } from '../runners/stops.ts';
import { policyView } from '../start/failure-policy.ts';
import type { StartDeps, Starter } from '../start/start.ts';
import type { StartOutcome } from '../start/start-request.ts';
import type { RunRow } from '../store/run-rows.ts';
import { idleStatus, shownRun } from '../store/run-view.ts';
import { noStreak } from '../store/streak.ts';
import type { Commands, RunCommand } from './orchestrator-port.ts';

const notAllowed = (
  runId: string,
  command: Command,
  { state, allowed, stages }: RunRow['projection'],
  why: string | null,
): ServiceError => {
  const { type } = command;
  const extra = { run_id: runId, state, allowed, why_not: why };
  const fits = 'stage' in command ? [] : fittingStages(type, stages);
  if (fits.length > 1)
    return new ServiceError('stage-needed', `${type} is refused: ${why}`, {
      extra: { ...extra, stages: fits },
    });
  const instead = allowed.length > 0 ? `; possible now: ${allowed.join(', ')}` : '';
  return new ServiceError('command-not-allowed', `${type} is refused: ${why}${instead}`, {
    extra,
  });
};

const acknowledgedEvent = (failures: number, by: string, reason: string): NewEvent => ({
  stage: 'pipeline',
  event: 'acknowledged',
  severity: 'info',
  msg: `${failures} failed ${failures === 1 ? 'run' : 'runs'} acknowledged by ${by}: ${reason}`,
  data: { command: 'ACKNOWLEDGE', by, reason, failures },
});

/** A start as its caller is answered. */
const answered = (outcome: StartOutcome): { status: Status; replayed: boolean } => {
  if (outcome.kind === 'refused') throw new ServiceError(outcome.code, outcome.why, outcome.more);
  if (outcome.kind === 'slot-decided') throw new Error('only a schedule starts a run for a slot');
  return { status: outcome.status, replayed: outcome.kind === 'replayed' };
};

/**
 * Everything that changes something. It validates; whatever moves a run goes through the
 * interpreter.
 */
export const createCommands = (
  deps: Pick<StartDeps, 'store' | 'interpreter' | 'clock' | 'lookup' | 'repeats' | 'wake'> & {
    starter: Starter;
    stops: Pick<Stops, 'unrecorded'>;
  },
): Commands => {
  const { store, interpreter, clock, repeats, starter } = deps;
  const { requirePipeline, assertReady, show, requireRun } = deps.lookup;

  const moved = (run: Pick<RunRow, 'runId' | 'version'>, ifVersion: number): ServiceError =>
    new ServiceError('version-moved', `the run is at version ${run.version}, not at ${ifVersion}`, {
      extra: { run_id: run.runId, version: run.version },
    });

  const shownNow = async (pipeline: string): Promise<RunRow | null> => {
    const { runs, reset } = await store.latest(pipeline);
    return shownRun(runs, reset).run;
  };

  const deliver = async (runId: string, { command, actor, ifVersion }: RunCommand) => {
    const event = eventOfCommand(command, actor.name);
    const cause = { kind: 'command' as const, actor: actor.name };
    const asked: Delivery = { event, fence: null, cause };
    const isKnown = (version: number, why: string): boolean =>
      repeats.isAgain(JSON.stringify([runId, version, command.type, actor.name, why]), (times) =>
        // The first has its reason in a row of its own.
        interpreter.deliver(runId, {
          ...asked,
          event: eventOfCommand(plainCommands[command.type], actor.name),
          more: { times, why },
        }),
      );
    try {
      return await interpreter.deliver(runId, { ...asked, ifVersion, isKnown });
    } catch (error) {
      if (command.type === 'STOP' && isNoSpace(error))
        throw (await deps.stops.unrecorded(runId, { ...asked, ifVersion })) ?? error;
      if (!(error instanceof VersionMoved)) throw error;
      throw moved({ runId, version: error.version }, ifVersion as number);
    }
  };

  const command: Commands['command'] = async (runId, asked) => {
    assertReady();
    const { run: before } = await requireRun(runId);
    // An ended run has no next step: what follows it is a run of its own.
    if (asked.command.type === 'RETRY_FROM' && before.projection.allowed.includes('RETRY_FROM')) {
      if (asked.ifVersion !== null && asked.ifVersion !== before.version)
        throw moved(before, asked.ifVersion);
      return answered(await starter.retryFrom(before, asked.command, asked));
    }
    const outcome = await deliver(runId, asked).catch((error) => {
      if (!(error instanceof RefusedAgain)) throw error;
      throw notAllowed(runId, asked.command, error.projection, error.why);
    });
    if (!outcome) throw new ServiceError('unknown-run', `there is no run ${runId}`);
    const { run, lastSeq } = outcome.committed;
    if (outcome.verdict === 'accepted') return { status: show(run, lastSeq), replayed: false };
    throw notAllowed(runId, asked.command, run.projection, outcome.why);
  };

  return {
    start: async (request) => answered(await starter.start(request)),
    command,
    stop: async (pipeline, { reason, graceMs, actor }) => {
      assertReady();
      const { definition } = requirePipeline(pipeline);
      const run = await shownNow(pipeline);
      if (!run || run.endedAt !== null)
        throw new ServiceError('nothing-to-stop', `no run of ${pipeline} is live`);
      const stop = {
        type: 'STOP' as const,
        ...(reason !== null && { reason }),
        ...(graceMs !== null && { grace_ms: graceMs }),
      };
      const { status } = await command(run.runId, {
        command: stop,
        actor,
        ifVersion: null,
        idempotency: null,
      });
      const { waiters } = await store.queue(definition.concurrency.key);
      return { ...status, queued: waiters.filter(({ runId }) => runId !== run.runId).length };
    },
    acknowledge: async (pipeline, { reason, actor }) => {
      assertReady();
      const { definition } = requirePipeline(pipeline);
      const acknowledged = { by: actor.name, at: clock.wallMs(), reason };
      const seq = await store.amendPipeline(
        pipeline,
        ({ failures }) =>
          failures === 0
            ? null
            : {
                streak: { ...noStreak, acknowledged },
                event: acknowledgedEvent(failures, actor.name, reason),
              },
        acknowledged.at,
      );
      if (seq === null)
        throw new ServiceError(
          'nothing-to-acknowledge',
          `the last run of ${pipeline} that counts did not fail`,
        );
      deps.wake();
      return {
        pipeline,
        policy: policyView({ ...noStreak, acknowledged }, definition.onFailures ?? null),
        as_of_seq: seq,
      };
    },
    reset: async (pipeline, { force, reason, actor }) => {
      assertReady();
      const { definition } = requirePipeline(pipeline);
      const run = await shownNow(pipeline);
      const isLive = run !== null && run.endedAt === null;
      // A process that nobody can end holds the run for ever; letting it go is somebody's decision,
      // with a name and a reason (T1).
      const isStuck = isLive && stuckOf((run.snapshot as { context: RunContext }).context) !== null;
      if (isStuck && force && reason === null)
        throw new ServiceError('invalid-body', run.projection.why, {
          errors: [{ pointer: '/reason', detail: 'is missing' }],
        });
      if (isLive && !force)
        throw new ServiceError(
          'run-active',
          `run ${run.runId} is ${run.projection.state}; stop it, or reset with force`,
          {
            extra: { run_id: run.runId, state: run.projection.state },
          },
        );
      const runId = run?.runId ?? null;
      const msg = `reset by ${actor.name}: ${pipeline} shows IDLE ${isLive ? 'once its run has stopped' : 'again'}`;
      const event = {
        stage: 'pipeline',
        event: 'acknowledged' as const,
        severity: 'info' as const,
        msg,
      };
      const data = { command: 'RESET', by: actor.name, reason, reset_run_id: runId };
      const stop = {
        type: 'STOP' as const,
        reason: reason === null ? 'forced' : `forced: ${reason}`,
      };
      const asked = { command: stop, actor, ifVersion: null, idempotency: null };
      let seq: number | null;
      try {
        const change = { reset: runId, event: { ...event, data } };
        seq = await store.amendPipeline(pipeline, () => change, clock.wallMs());
      } catch (error) {
        // Whoever fills the disk is ended, whatever can be recorded.
        if (isLive && isNoSpace(error)) await command(run.runId, asked);
        throw error;
      }
      deps.wake();
      if (!isLive) return idleStatus(definition, seq as number, runId);
      if (isStuck) {
        const event = { type: 'RELEASE', reason: reason as string, by: actor.name };
        const outcome = await interpreter.deliver(run.runId, {
          event,
          fence: null,
          cause: { kind: 'command', actor: actor.name },
        });
        // It may have ended by itself in between; then it is stopped like any other.
        if (outcome?.verdict === 'accepted')
          return show(outcome.committed.run, outcome.committed.lastSeq);
      }
      return (await command(run.runId, asked)).status;
    },
  };
};
