/** How far the life of the service is. */
export type Phase = {
  now(): 'starting' | 'ready' | 'draining';
  /** What the last service left is settled: state is told from now on. */
  ready(): void;
  /** Nothing new starts; no grace is longer than `graceCapMs` any more. */
  drain(graceCapMs: number): void;
  graceCapMs(): number;
};

export const createPhase = (): Phase => {
  let phase: ReturnType<Phase['now']> = 'starting';
  let graceCapMs = Number.POSITIVE_INFINITY;
  return {
    now: () => phase,
    ready: () => {
      phase = 'ready';
    },
    drain: (capMs) => {
      phase = 'draining';
      graceCapMs = capMs;
    },
    graceCapMs: () => graceCapMs,
  };
};
