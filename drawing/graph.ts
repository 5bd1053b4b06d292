import type { ChartConfig } from '../machines/chart-config.ts';

export type ChartState = {
  /** `running.analyzer.attempting` */
  path: string;
  parent: string | null;
  name: string;
  kind: 'atomic' | 'compound' | 'parallel' | 'final';
  initial: boolean;
  invokes: string[];
  entry: string[];
  /** Names of the delays after which it is left by itself. */
  delays: string[];
  /** Events that it acts on without being left. */
  reacts: string[];
  title: string | null;
  /** The name of the stage whose chart begins here. */
  stage: string | null;
  /** Works on a list: an item is a run of this stage's chart of its own. */
  each: boolean;
};
export type Trigger = { kind: 'event' | 'done' | 'error' | 'after' | 'always'; name: string };
/** `from` is '' for what the chart as a whole handles. */
export type ChartEdge = {
  from: string;
  to: string;
  trigger: Trigger;
  guard: string | null;
  actions: string[];
  /** It only acts: the state is not left. */
  isInternal: boolean;
};
/** A chart as states and edges with absolute paths: what is drawn, exported and shown. */
export type ChartGraph = { id: string; states: ChartState[]; edges: ChartEdge[] };

type Action = { type: string };
type Transition = { target?: string; guard?: { type: string }; actions?: Action[] };
type Transitions = Transition | Transition[] | undefined;
type Invoke = { id: string; src: string; onDone?: Transitions; onError?: Transitions };
type Node = {
  initial?: string;
  type?: string;
  states?: Record<string, Node>;
  on?: Record<string, Transitions>;
  after?: Record<string, Transitions>;
  always?: Transitions;
  invoke?: Invoke | Invoke[];
  onDone?: Transitions;
  entry?: Action[];
  meta?: { title?: string; stage?: string; each?: boolean };
};

/** `backoff.analyzer` is the wait `backoff` of a stage, which the place says already. */
const delayWord = (name: string): string => name.split('.')[0] as string;

/** A delay or an event without a target only acts. */
const reactions = ({ after = {}, on = {} }: Node): Pick<ChartState, 'delays' | 'reacts'> => {
  const leads = ([, transitions]: [string, Transitions]): boolean =>
    listOf(transitions).some(({ target }) => target !== undefined);
  const names = (all: [string, Transitions][]): string[] => all.map(([name]) => name);
  return {
    delays: names(Object.entries(after).filter(leads)).map(delayWord),
    reacts: names(Object.entries(on).filter((entry) => !leads(entry))),
  };
};

const listOf = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

const kindOf = ({ type, states }: Node): ChartState['kind'] => {
  if (type === 'final' || type === 'parallel') return type;
  return states ? 'compound' : 'atomic';
};

/** `#run.done`, `.child` and `sibling`, as a path from the root. */
const resolved = (target: string, root: string, from: string, parent: string): string => {
  if (target.startsWith(`#${root}.`)) return target.slice(root.length + 2);
  return target.startsWith('.') ? below(from, target.slice(1)) : below(parent, target);
};

export const chartGraph = (config: ChartConfig): ChartGraph => {
  const graph: ChartGraph = { id: config.id as string, states: [], edges: [] };

  const addEdges = (
    path: string,
    parent: string,
    trigger: Trigger,
    transitions: Transitions,
  ): void => {
    for (const { target, guard, actions } of listOf(transitions)) {
      const to = target === undefined ? path : resolved(target, graph.id, path, parent);
      const acts = listOf(actions).map(({ type }) => type);
      graph.edges.push({
        from: path,
        to,
        trigger,
        guard: guard?.type ?? null,
        actions: acts,
        isInternal: target === undefined,
      });
    }
  };
  const walk = (node: Node, path: string, parent: string): void => {
    for (const [name, transitions] of Object.entries(node.on ?? {}))
      addEdges(path, parent, { kind: 'event', name }, transitions);
    for (const { id, onDone, onError } of listOf(node.invoke)) {
      addEdges(path, parent, { kind: 'done', name: id }, onDone);
      addEdges(path, parent, { kind: 'error', name: id }, onError);
    }
    addEdges(path, parent, { kind: 'done', name: path }, node.onDone);
    for (const [name, transitions] of Object.entries(node.after ?? {}))
      addEdges(path, parent, { kind: 'after', name: delayWord(name) }, transitions);
    addEdges(path, parent, { kind: 'always', name: 'always' }, node.always);
    for (const [name, child] of Object.entries(node.states ?? {})) {
      const own = below(path, name);
      graph.states.push({
        path: own,
        parent: path === '' ? null : path,
        name,
        kind: kindOf(child),
        initial: node.initial === name,
        invokes: listOf(child.invoke).map(({ src }) => src),
        entry: listOf(child.entry).map(({ type }) => type),
        ...reactions(child),
        title: child.meta?.title ?? null,
        stage: child.meta?.stage ?? null,
        each: child.meta?.each ?? false,
      });
      walk(child, own, path);
    }
  };
  walk(config as unknown as Node, '', '');
  return graph;
};
