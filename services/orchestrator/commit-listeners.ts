import type { Interpreter } from '../interpreter/interpreter.ts';

type OnCommit = Interpreter['onCommit'];
type Listener = Parameters<OnCommit>[0];

/**
 * Who hears of a commit, in this order. What the chart asked for comes first: it is begun and ended,
 * and its timers are armed, whatever the others do. Then what this process remembers of the run
 * forgets what is over, before anybody asks it what it shows. Then whoever acts on other runs. The
 * readers of the journal come after them all, so that what they ask for next is up to date.
 */
const order = [
  'effects',
  'timers',
  'marks',
  'reaper',
  'admission',
  'log',
  'readers',
  'measures',
  'inspection',
  'shutdown',
] as const;
export type CommitListeners = {
  /** The `onCommit` of one of them; called once each. */
  as(name: (typeof order)[number]): OnCommit;
};

export const createCommitListeners = (
  interpreter: Pick<Interpreter, 'onCommit'>,
): CommitListeners => {
  const listeners = new Map<string, Listener>();
  // One by one: when one throws, the others are called all the same.
  for (const name of order) interpreter.onCommit((committed) => listeners.get(name)?.(committed));
  return { as: (name) => (listener) => void listeners.set(name, listener) };
};
