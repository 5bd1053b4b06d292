import type { RunContext } from '../../machines/context.ts';
import type { Ending } from '../../stages/contract.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';
import type { EffectRunner } from '../interpreter/effects.ts';
import { drained } from '../store/amendments.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';

type Deps = {
  store: Pick<Store, 'run' | 'amend'>;
  processes: Pick<ProcessTable, 'end' | 'shorten'>;
  /** Called when SIGTERM was sent, and each time the deadline came nearer. */
  ending: (effect: EffectRow, ending: Ending) => void;
  /** Resolves when this service's own runner of the effect has let go. */
  settled: (effect: EffectRow) => Promise<void>;
  /** No grace is longer than this; finite only while the service shuts down. */
  graceCapMs: () => number;
  clock: Pick<Clock, 'after' | 'wallMs'>;
  /** The service closes: nobody waits for a process any more. */
  closing: AbortSignal;
};

/** Resolves when no process of what the run has dropped is left. */
export type Drain = (run: RunRow, stage?: string) => Promise<void>;

const settleMs = 10_000;

/**
 * Ends what the stage has dropped, or the run where none is named, and answers only when no process
 * of it is left (T1): SIGTERM, grace, SIGKILL, sweep. A drain that replaces another waits for the same proof, so nobody can put
 * it off by asking again.
 */
export const createDrain = (deps: Deps): Drain => {
  const { store, processes, ending, settled, clock, graceCapMs, closing } = deps;
  /** What is being ended, by token. */
  const proofs = new Map<string, Promise<void>>();
  const atMost = async (ms: number, work: Promise<void>): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(ms, late.resolve);
    await Promise.race([work, late.promise]);
    cancel();
  };
  const end = async (effect: EffectRow, graceMs: number): Promise<void> => {
    const { token, ending: known } = effect;
    // A cap counts from now, and an ending that goes on from its SIGTERM.
    await processes.end(
      effect.process,
      token,
      known ? graceMs : Math.min(graceMs, graceCapMs()),
      closing,
      { known, changed: (one) => ending(effect, one) },
    );
    // Its runner closes its books once its processes are gone. One that cannot (its launcher
    // hangs) holds nobody up.
    await atMost(settleMs, settled(effect));
    const change = drained([fenceOf(effect)]);
    await store.amend([{ runId: effect.runId, change, isUrgent: true }], clock.wallMs());
  };
  const proofOf = (effect: EffectRow, graceMs: number): Promise<void> => {
    const { token } = effect;
    const going = proofs.get(token);
    if (going) processes.shorten(token, graceMs);
    const proof = going ?? end(effect, graceMs).finally(() => proofs.delete(token));
    proofs.set(token, proof);
    return proof;
  };
  return async (run, stage) => {
    const loaded = await store.run(run.runId);
    const dropping = (loaded?.effects ?? []).filter(
      ({ state, input }) => state === 'dropping' && (stage === undefined || input.stage === stage),
    );
    await Promise.all(dropping.map((effect) => proofOf(effect, graceOf(run, effect))));
  };
};

/** A drain as the chart asks for it. */
export const drainRunner =
  (drain: Drain): EffectRunner =>
  async ({ input }, run) => {
    await drain(run, input.stage);
    return {};
  };

/** How long the processes of this attempt may take after SIGTERM. */
export const graceOf = (run: RunRow, effect: EffectRow): number => {
  const { stop, policy } = (run.snapshot as { context: RunContext }).context;
  return stop?.graceMs ?? policy[effect.input.stage ?? '']?.graceMs ?? 0;
};
