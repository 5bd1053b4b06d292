/** The states that a run does not leave: it has ended. */
const finalStates: readonly string[] = ['DONE', 'FAILED', 'STOPPED'];

export const isFinal = (state: string): boolean => finalStates.includes(state);
