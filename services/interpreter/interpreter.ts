import type { Failure } from '../../machines/failure.ts';
import type { Clock } from '../clock.ts';
import type { BeginRequest, Begun, Committed, Decision, Loaded, Store, Verdict } from '../store.ts';
import { ChartNotLoaded, ChartNotSupported, type Charts } from './charts.ts';
import { ChartFault, condemn, type Delivery, decide } from './decide.ts';
import type { Now } from './outbox.ts';

type Outcome = { verdict: Verdict; why: string | null; committed: Committed };
/**
 * The durable interpreter: an event goes in, one transaction decides and writes, and what the chart asked for is started
 * after the commit. Nothing else writes a run's state.
 */
export type Interpreter = {
  begin(request: BeginRequest, delivery: Delivery): Promise<Begun>;
  /** @returns null when the run does not exist. @throws the store's error when nothing could be committed */
  deliver(runId: string, delivery: Delivery): Promise<Outcome | null>;
  /** Called on a fresh turn after each commit, in commit order. */
  onCommit(listener: (committed: Committed) => void): void;
};

export const createInterpreter = (deps: { store: Store; charts: Charts; clock: Clock }): Interpreter => {
  const { store, charts, clock } = deps;
  const listeners: ((committed: Committed) => void)[] = [];
  const tails = new Map<string, Promise<unknown>>();
  const now = (): Now => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs(), bootId: clock.bootId() });

  /** Events of one run are decided one after the other, in the order they came (T14). */
  const inOrder = <T>(runId: string, work: () => Promise<T>): Promise<T> => {
    const result = (tails.get(runId) ?? Promise.resolve()).then(work);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    tails.set(runId, tail);
    void tail.then(() => tails.get(runId) === tail && tails.delete(runId));
    return result;
  };

  const publish = (committed: Committed): void => {
    setImmediate(() => {
      for (const listener of listeners) listener(committed);
    });
  };

  const step = async (runId: string, decision: (loaded: Loaded) => Decision): Promise<Committed | null> => {
    try {
      return await store.step(runId, decision);
    } catch (error) {
      if (!(error instanceof ChartNotLoaded)) throw error;
      await charts.load(error.hash);
      return store.step(runId, decision);
    }
  };

  const stepOrFault = async (runId: string, delivery: Delivery): Promise<Committed | null> => {
    const plainly = (given: Delivery) => (loaded: Loaded) => decide(charts.machine(loaded.run.chart), loaded, given, now());
    const condemned = (failure: Failure) => step(runId, (loaded) => condemn(loaded, delivery, failure, now()));
    try {
      return await step(runId, plainly(delivery));
    } catch (error) {
      if (error instanceof ChartNotSupported) return condemned({ code: 'chart-not-supported', message: error.message, retryable: false });
      if (!(error instanceof ChartFault)) throw error;
      const fault = { type: 'FAULT' as const, code: 'chart-fault', message: error.message, during: delivery.event.type };
      try {
        // The first try was rolled back whole. The answer that broke the chart is used up by the fault it became.
        return await step(runId, plainly({ event: fault, fence: null, cause: delivery.cause }));
      } catch (second) {
        if (!(second instanceof ChartFault)) throw second;
        return condemned({ code: 'chart-fault', message: second.message, retryable: false });
      }
    }
  };

  return {
    begin: (request, delivery) =>
      inOrder(request.spec.runId, async () => {
        const begun = await store.begin(request, (loaded) => decide(charts.machine(request.spec.chart), loaded, delivery, now()));
        if (begun.kind === 'begun') publish(begun);
        return begun;
      }),
    deliver: (runId, delivery) =>
      inOrder(runId, async () => {
        const committed = await stepOrFault(runId, delivery);
        if (!committed) return null;
        publish(committed);
        const { verdict, why } = committed.decision.ledger;
        return { verdict, why, committed };
      }),
    onCommit: (listener) => void listeners.push(listener),
  };
};
