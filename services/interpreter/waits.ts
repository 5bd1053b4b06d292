import { isNoSpace } from '../host/no-space.ts';
import type { Store } from '../store/store.ts';

/** An attempt is over, and its row still says that it works. */
export const whyUnrecorded = (
  { stage, attempt }: { stage: string; attempt: number },
  error: unknown,
): string => `waits for ${whatFor(error)} to record how attempt ${attempt} of ${stage} ended`;
/** What a write that failed waits for. */
export const whatFor = (error: unknown): string =>
  isNoSpace(error) ? 'room on the disk' : 'the store';

/** What is the most worth saying comes first. */
const order = ['stop', 'answer', 'begin'] as const;
type Kind = (typeof order)[number];

/**
 * What runs wait for that their rows cannot know, since nothing could be written or nothing may
 * begin: shown as their `why` for as long as it lasts.
 */
export type Waits = {
  /** @returns what ends the wait */
  begin(runId: string, kind: Kind, why: string): () => void;
  shown(runId: string): string | null;
  /** A step said a `why` of its own: what is waited for is told again. */
  retell(runId: string): void;
};

type News = {
  run_id: string;
  pipeline: string;
  stage: string;
  event: 'why_change';
  data: Record<string, unknown>;
};

export const createWaits = (deps: {
  store: Pick<Store, 'run'>;
  tell: (news: News) => void;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Waits => {
  const { store, tell, log } = deps;
  const open = new Map<string, Set<{ kind: Kind; why: string }>>();

  const shown = (runId: string): string | null => {
    const waits = [...(open.get(runId) ?? [])];
    for (const kind of order) {
      const found = waits.find((one) => one.kind === kind);
      if (found) return found.why;
    }
    return null;
  };

  const say = (runId: string): void => {
    store.run(runId).then(
      (found) => {
        if (!found || found.run.endedAt !== null) return;
        const { pipeline, projection } = found.run;
        const why = shown(runId) ?? projection.why;
        tell({
          run_id: runId,
          pipeline,
          stage: 'pipeline',
          event: 'why_change',
          data: { patch: { why } },
        });
      },
      (error) => log('what a run waits for could not be told', { error: String(error) }),
    );
  };

  return {
    shown,
    begin: (runId, kind, why) => {
      const wait = { kind, why };
      const before = shown(runId);
      open.set(runId, (open.get(runId) ?? new Set()).add(wait));
      if (shown(runId) !== before) say(runId);
      return () => {
        const mine = open.get(runId);
        const was = shown(runId);
        if (!mine?.delete(wait)) return;
        if (mine.size === 0) open.delete(runId);
        if (shown(runId) !== was) say(runId);
      };
    },
    retell: (runId) => {
      if (open.has(runId)) say(runId);
    },
  };
};
