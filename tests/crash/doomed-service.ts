// The real service, with one difference: it kills itself at the point that CRASH_POINT names.
// Composition only for tests.
import { serve } from '../../bin/serve.ts';
import type { Parts } from '../../services/orchestrator/service-parts.ts';
import type { Change } from '../../services/store/run-store.ts';
import type { Status } from '../../wire/status.ts';

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before this is reached.
  throw new Error('still alive');
};
const isAnswerOf = (stage: string, state: unknown): boolean =>
  (state as { stage?: string }).stage === stage;

/** Is the process of the attempt of `work` recorded by one of these? */
const watched = (changes: readonly Change[]) => {
  let isRecorded = false;
  return {
    changes: changes.map(
      (one): Change => ({
        ...one,
        change: (loaded) => {
          const amendment = one.change(loaded);
          const born = loaded.effects.find(
            ({ id, state }) => id === 'attempt-work' && state === 'born',
          );
          if (
            born &&
            amendment?.effects?.some(({ id, state }) => id === born.id && state === 'started')
          )
            isRecorded = true;
          return amendment;
        },
      }),
    ),
    isRecorded: () => isRecorded,
  };
};

/** In the middle of the step that would bring a run to this state: decided, and not committed. */
const dyingBefore = (state: Status['state'], parts: Parts): Parts => ({
  ...parts,
  store: {
    ...parts.store,
    step: async (runId, decide) =>
      parts.store.step(runId, (loaded) => {
        const decision = decide(loaded);
        if (decision.next?.projection.state === state) die();
        return decision;
      }),
  },
});

/** Each wrapper lets everything pass until the stage `work` is concerned. */
const points: Record<string, (parts: Parts) => Parts> = {
  none: (parts) => parts,
  'before-commit': (parts) => dyingBefore('DONE', parts),
  'after-commit': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      step: async (runId, decide) => {
        const committed = await parts.store.step(runId, decide);
        if (
          committed?.decision.born.some(
            ({ kind, input }) => kind === 'stage' && isAnswerOf('work', input),
          )
        )
          die();
        return committed;
      },
    },
  }),
  'before-the-gate-opens': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      amend: async (changes, at) => {
        const work = watched(changes);
        const amended = await parts.store.amend(work.changes, at);
        return work.isRecorded() ? die() : amended;
      },
    },
  }),
  'before-settle': (parts) => ({
    ...parts,
    launcher: {
      ...parts.launcher,
      launch: async (request) => {
        const launched = await parts.launcher.launch(request);
        const isWork = request.env.STAGEWRIGHT_STAGE === 'work';
        return { ...launched, exited: launched.exited.then((record) => (isWork ? die() : record)) };
      },
    },
  }),
  // The drain is the only one that ends processes while the stage works.
  'in-ending': (parts) => ({
    ...parts,
    processes: {
      ...parts.processes,
      end: async (...args) => (hasWork(args[1]) ? die() : parts.processes.end(...args)),
    },
  }),
  // The end of one run is committed, and the next one has its turn.
  'at-admission': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      admit: (runId, plan) => parts.store.admit(runId, (facts) => plan(facts) && die()),
    },
  }),
  // The first step of a run is committed.
  'in-starting': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      begin: async (...args) => {
        const begun = await parts.store.begin(...args);
        return begun.kind === 'begun' ? die() : begun;
      },
    },
  }),
  // The stage has ended and its files are to be verified.
  'in-verifying': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      step: async (runId, decide) => {
        const committed = await parts.store.step(runId, decide);
        return committed?.decision.born.some(({ kind }) => kind === 'verify') ? die() : committed;
      },
    },
  }),
  // A defect of ours, where nobody catches it.
  'with-a-defect': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      amend: async (changes, at) => {
        const work = watched(changes);
        const amended = await parts.store.amend(work.changes, at);
        if (work.isRecorded())
          setImmediate(() => {
            throw new Error('an index is out of range');
          });
        return amended;
      },
    },
  }),
  // A failed run and what is told of it are in one transaction, which is not committed.
  'before-a-failure': (parts) => dyingBefore('FAILED', parts),
  // It is committed, and nobody was told.
  'after-a-failure': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      step: async (...args) => {
        const committed = await parts.store.step(...args);
        return committed?.run.projection.state === 'FAILED' ? die() : committed;
      },
    },
  }),
  // Somebody was told, and that is not written down.
  'after-telling': (parts) => ({
    ...parts,
    store: { ...parts.store, settleMessages: async () => die() },
  }),
  'during-boot': (parts) => ({ ...parts, store: { ...parts.store, runs: async () => die() } }),
};
const hasWork = (token: string): boolean => token.endsWith('attempt-work');

/** As if the last service had gone that long ago. */
const aheadMs = Number(process.env.CLOCK_AHEAD_MS ?? 0);
const later = (parts: Parts): Parts => ({
  ...parts,
  clock: {
    ...parts.clock,
    wallMs: () => parts.clock.wallMs() + aheadMs,
    monotonicMs: () => parts.clock.monotonicMs() + aheadMs,
  },
});

const wrap = points[process.env.CRASH_POINT ?? 'none'];
if (!wrap) throw new Error(`no such point: ${process.env.CRASH_POINT}`);
process.exitCode = await serve(process.argv.slice(2), process.env, (parts) => wrap(later(parts)));
