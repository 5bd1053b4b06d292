/** Ends what works, then says of each open attempt how it ended, and closes it. */
export const drainThen = <const Say extends string, const Close extends string>(
  target: string,
  say: Say,
  close: Close,
) =>
  ({
    id: 'drain-run',
    src: 'drain',
    onDone: { target, actions: [{ type: say }, { type: close }] },
  }) as const;

/** The same of a run that fails, which may do so after all was decided. */
export const drainOrEnd = (target: string) => {
  const drain = drainThen(target, 'sayClosedFailed', 'closeFailed');
  const { onDone } = drain;
  if (target === 'failed') return drain;
  const ended = {
    guard: { type: 'isConcluded' },
    target: 'over',
    actions: onDone.actions,
  } as const;
  return { ...drain, onDone: [ended, onDone] as const };
};

/**
 * While a drain waits: the news that a process outlives SIGKILL, and the only way past it; the next
 * drain finds nothing left.
 */
export const stuckOr = <Target extends string, Action = never>({
  target,
  actions = [],
}: {
  target: Target;
  actions?: readonly Action[];
}) =>
  ({
    DRAIN_LATE: { actions: [{ type: 'noteStuck' }] },
    RELEASE: {
      guard: { type: 'isStuck' },
      target,
      reenter: true,
      actions: [{ type: 'sayReleased' }, { type: 'noteReleased' }, ...actions],
    },
  }) as const;

/**
 * The same for one stage beside others, whose processes end or do not by themselves. To let go of it
 * is to give up the run: the others are ended.
 */
export const stuckBeside = <Params extends { stage: string }, Action>(
  params: Params,
  actions: readonly Action[],
) =>
  ({
    DRAIN_LATE: {
      guard: { type: 'isMeant', params },
      actions: [{ type: 'noteStageStuck', params }],
    },
    RELEASE: {
      guard: { type: 'isStageStuck', params },
      target: '#run.failing',
      actions: [{ type: 'sayReleased' }, { type: 'noteStageReleased', params }, ...actions],
    },
  }) as const;
