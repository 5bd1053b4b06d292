import type { SentEvent } from '../../machines/context.ts';
import type { Cause } from '../../wire/run-answers.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { Store } from '../store/store.ts';
import { planAdmit, queuedAt } from './plan-start.ts';

export type Admission = {
  /**
   * Gives free places of the key to those first in line, and tells the others what they wait behind
   * now. Idempotent.
   */
  settle(key: string): Promise<void>;
  /** The same for every key that somebody waits for: at the start, and as often as one likes. */
  settleAll(): Promise<void>;
  /** Nobody is admitted any more. */
  close(): void;
};

/** More than any queue holds; what is beyond it has its turn at the next look. */
const maxWaiting = 100_000;

/**
 * The line before a lock. A run's end and the next one's admission are two steps of two runs (T11):
 * this joins them, and whatever a crash leaves between them is found again by `settleAll`.
 */
export const createAdmission = (deps: {
  store: Pick<Store, 'queue' | 'runs' | 'run'>;
  interpreter: Interpreter;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Admission => {
  const { store, interpreter, log } = deps;
  const turns = new Map<string, Promise<void>>();
  const cause: Cause = { kind: 'queue' };
  let closed = false;

  /**
   * Those that the newest replacing run takes the place of: what is live, and what waits before it.
   */
  const replace = async (key: string): Promise<void> => {
    const { waiters, holders } = await store.queue(key);
    const last = waiters.findLastIndex(({ replaces }) => replaces);
    const newest = waiters[last];
    if (!newest) return;
    for (const runId of [...waiters.slice(0, last), ...holders].map((one) => one.runId)) {
      const found = await store.run(runId);
      // One that is ending already needs no telling, and would refuse it at every look.
      if (
        !found ||
        found.run.projection.state === 'STOPPING' ||
        !found.run.projection.allowed.includes('STOP')
      )
        continue;
      const reason = `replaced by ${newest.runId}`;
      await interpreter.deliver(runId, {
        event: { type: 'STOP', by: 'the queue', reason, grace_ms: null } satisfies SentEvent,
        fence: null,
        cause,
      });
    }
  };

  const tell = async (key: string): Promise<void> => {
    const queue = await store.queue(key);
    for (const [index, { runId, replaces }] of queue.waiters.entries()) {
      const queued = queuedAt(queue, index, replaces);
      const found = await store.run(runId);
      const { queued: told } =
        (found?.run.snapshot as { context: { queued?: unknown } } | undefined)?.context ?? {};
      if (!found || queued.run_id === '' || JSON.stringify(told) === JSON.stringify(queued))
        continue;
      await interpreter.deliver(runId, {
        event: { type: 'ENQUEUED', run_id: runId, queued } satisfies SentEvent,
        fence: null,
        cause,
      });
    }
  };

  const turn = async (key: string): Promise<void> => {
    await replace(key);
    for (;;) {
      if (closed) return;
      const head = (await store.queue(key)).waiters[0];
      if (!head || !(await interpreter.admit(head.runId, planAdmit, cause))) break;
    }
    await tell(key);
  };

  const settle = (key: string): Promise<void> => {
    const next = (turns.get(key) ?? Promise.resolve())
      .then(() => (closed ? undefined : turn(key)))
      .catch((error) =>
        log('the line of a lock could not be settled; it is tried again', {
          key,
          error: String(error),
        }),
      )
      .finally(() => turns.get(key) === next && turns.delete(key));
    turns.set(key, next);
    return next;
  };

  return {
    settle,
    settleAll: async () => {
      const { items } = await store.runs({ state: 'QUEUED', limit: maxWaiting });
      const keys = new Set(items.map(({ definition }) => definition.concurrency.key));
      for (const key of keys) await settle(key);
    },
    close: () => {
      closed = true;
    },
  };
};
