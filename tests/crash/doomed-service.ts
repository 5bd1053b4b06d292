// The real service, with one difference: it kills itself at the point that CRASH_POINT names.
// Composition only for tests.
import { serve } from '../../server/main.ts';
import type { Parts } from '../../services/service.ts';

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before this is reached.
  throw new Error('still alive');
};
const isAnswerOf = (stage: string, state: unknown): boolean =>
  (state as { stage?: string }).stage === stage;

/** Each wrapper lets everything pass until the stage `work` is concerned. */
const points: Record<string, (parts: Parts) => Parts> = {
  none: (parts) => parts,
  'before-commit': (parts) => ({
    ...parts,
    store: {
      ...parts.store,
      step: async (runId, decide) =>
        parts.store.step(runId, (loaded) => {
          const decision = decide(loaded);
          if (decision.next?.projection.state === 'DONE') die();
          return decision;
        }),
    },
  }),
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
      recordProcess: async (runId, fence, identity) => {
        const recorded = await parts.store.recordProcess(runId, fence, identity);
        return fence.id === 'attempt-work' ? die() : recorded;
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
    store: { ...parts.store, admit: (runId) => parts.store.admit(runId, die) },
  }),
  'during-boot': (parts) => ({ ...parts, store: { ...parts.store, liveRuns: async () => die() } }),
};
const hasWork = (token: string): boolean => token.endsWith('attempt-work');

const wrap = points[process.env.CRASH_POINT ?? 'none'];
if (!wrap) throw new Error(`no such point: ${process.env.CRASH_POINT}`);
process.exitCode = await serve(process.argv.slice(2), process.env, wrap);
