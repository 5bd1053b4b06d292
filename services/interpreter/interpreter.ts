import type { Failure } from '../../wire/failure.ts';
import type { Clock } from '../host/clock.ts';
import type {
  BeginRequest,
  Begun,
  Cause,
  Committed,
  Decision,
  Loaded,
  Store,
  Verdict,
} from '../store/store.ts';
import { ChartNotLoaded, ChartNotSupported, type Charts } from './charts.ts';
import { ChartFault, condemn, type Delivery, decide } from './decide.ts';
import type { Interpreted, Lifecycle } from './lifecycle.ts';
import type { Now } from './outbox.ts';

type Outcome = { verdict: Verdict; why: string | null; committed: Committed };
/**
 * The durable interpreter: an event goes in, one transaction decides and writes, and what the chart
 * asked for is started after the commit. Nothing else writes a run's state.
 */
export type Interpreter = {
  readonly lifecycle: Lifecycle;
  /**
   * The run is admitted, or takes its turn in the line of its key. `more` = what its machine is told
   * with the first event.
   */
  begin(request: BeginRequest, by: { cause: Cause; more?: object }): Promise<Begun>;
  /** Admits the run, if it is first in line and a place is free. @returns null when not */
  admit(runId: string, cause: Cause): Promise<Committed | null>;
  /**
   * @returns null when the run does not exist. @throws the store's error when nothing could be
   * committed
   */
  deliver(runId: string, delivery: Delivery): Promise<Outcome | null>;
  /** Called on a fresh turn after each commit, in commit order; one that throws stops no other. */
  onCommit(listener: (committed: Committed) => void): void;
};

export const createInterpreter = (deps: {
  store: Store;
  charts: Charts;
  clock: Clock;
  /** A listener of commits that threw: a defect of ours; the others have heard of the commit. */
  onDefect?: (error: unknown) => void;
}): Interpreter => {
  const { store, charts, clock } = deps;
  const { lifecycle } = charts;
  const interpreted = (chart: string): Interpreted => ({
    machine: charts.machine(chart),
    lifecycle,
  });
  const onDefect =
    deps.onDefect ??
    ((error) => {
      throw error;
    });
  const listeners: ((committed: Committed) => void)[] = [];
  const tails = new Map<string, Promise<unknown>>();
  const now = (): Now => ({
    wallMs: clock.wallMs(),
    monotonicMs: clock.monotonicMs(),
    bootId: clock.bootId(),
  });

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
      const defects: unknown[] = [];
      for (const listener of listeners) {
        try {
          listener(committed);
        } catch (error) {
          defects.push(error);
        }
      }
      // Only now: nobody misses a commit because somebody else could not take it.
      for (const defect of defects) onDefect(defect);
    });
  };

  /** Decides again once the chart it asked for is in memory. */
  const loading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ChartNotLoaded)) throw error;
      await charts.load(error.hash);
      return work();
    }
  };
  const step = (runId: string, decision: (loaded: Loaded) => Decision): Promise<Committed | null> =>
    loading(() => store.step(runId, decision));

  const stepOrFault = async (runId: string, delivery: Delivery): Promise<Committed | null> => {
    const plainly = (given: Delivery) => (loaded: Loaded) =>
      decide(interpreted(loaded.run.chart), loaded, given, now());
    const condemned = (failure: Failure) =>
      step(runId, (loaded) => condemn(lifecycle, loaded, delivery, failure, now()));
    try {
      return await step(runId, plainly(delivery));
    } catch (error) {
      if (error instanceof ChartNotSupported)
        return condemned({ code: 'chart-not-supported', message: error.message, retryable: false });
      if (!(error instanceof ChartFault)) throw error;
      const fault = lifecycle.events.fault(error.message, delivery.event.type);
      try {
        // The first try was rolled back whole. The answer that broke the chart is used up by the
        // fault it became.
        return await step(runId, plainly({ event: fault, fence: null, cause: delivery.cause }));
      } catch (second) {
        if (!(second instanceof ChartFault)) throw second;
        return condemned({ code: 'chart-fault', message: second.message, retryable: false });
      }
    }
  };

  return {
    lifecycle,
    begin: (request, { cause, more }) =>
      inOrder(request.spec.runId, async () => {
        const { runId, chart } = request.spec;
        const begun = await store.begin(request, (loaded, queued) =>
          decide(
            interpreted(chart),
            loaded,
            { event: lifecycle.events.first(runId, queued, more), fence: null, cause },
            now(),
          ),
        );
        if (begun.kind === 'begun') publish(begun);
        return begun;
      }),
    admit: (runId, cause) =>
      inOrder(runId, async () => {
        const delivery: Delivery = {
          event: lifecycle.events.first(runId, null, undefined),
          fence: null,
          cause,
        };
        const admit = () =>
          store.admit(runId, (loaded) =>
            decide(interpreted(loaded.run.chart), loaded, delivery, now()),
          );
        const committed = await loading(admit).catch((error) => {
          if (!(error instanceof ChartFault || error instanceof ChartNotSupported)) throw error;
          // It must not hold up those behind it.
          const fault = lifecycle.events.fault(error.message, delivery.event.type);
          return stepOrFault(runId, { event: fault, fence: null, cause });
        });
        if (committed) publish(committed);
        return committed;
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
