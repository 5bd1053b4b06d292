import type { ChartConfig } from '../compile.ts';

export type ChartState = {
  /** `running.analyzer.attempting` */
  path: string;
  parent: string | null;
  name: string;
  kind: 'atomic' | 'compound' | 'final';
  initial: boolean;
  invokes: string[];
  entry: string[];
  title: string | null;
};
type Trigger = { kind: 'event' | 'done' | 'error' | 'after' | 'always'; name: string };
/** `from` is '' for what the chart as a whole handles. */
export type ChartEdge = { from: string; to: string; trigger: Trigger; guard: string | null; actions: string[] };
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
  entry?: Action[];
  meta?: { title?: string };
};

const listOf = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** `#run.done`, `.child` and `sibling`, as a path from the root. */
const resolved = (target: string, root: string, from: string, parent: string): string => {
  if (target.startsWith(`#${root}.`)) return target.slice(root.length + 2);
  return target.startsWith('.') ? below(from, target.slice(1)) : below(parent, target);
};

export const chartGraph = (config: ChartConfig): ChartGraph => {
  const graph: ChartGraph = { id: config.id as string, states: [], edges: [] };

  const addEdges = (path: string, parent: string, trigger: Trigger, transitions: Transitions): void => {
    for (const { target, guard, actions } of listOf(transitions)) {
      const to = target === undefined ? path : resolved(target, graph.id, path, parent);
      graph.edges.push({ from: path, to, trigger, guard: guard?.type ?? null, actions: listOf(actions).map(({ type }) => type) });
    }
  };
  const walk = (node: Node, path: string, parent: string): void => {
    for (const [name, transitions] of Object.entries(node.on ?? {})) addEdges(path, parent, { kind: 'event', name }, transitions);
    for (const { id, onDone, onError } of listOf(node.invoke)) {
      addEdges(path, parent, { kind: 'done', name: id }, onDone);
      addEdges(path, parent, { kind: 'error', name: id }, onError);
    }
    for (const [name, transitions] of Object.entries(node.after ?? {})) addEdges(path, parent, { kind: 'after', name }, transitions);
    addEdges(path, parent, { kind: 'always', name: 'always' }, node.always);
    for (const [name, child] of Object.entries(node.states ?? {})) {
      const own = below(path, name);
      graph.states.push({
        path: own,
        parent: path === '' ? null : path,
        name,
        kind: child.type === 'final' ? 'final' : child.states ? 'compound' : 'atomic',
        initial: node.initial === name,
        invokes: listOf(child.invoke).map(({ src }) => src),
        entry: listOf(child.entry).map(({ type }) => type),
        title: child.meta?.title ?? null,
      });
      walk(child, own, path);
    }
  };
  walk(config as unknown as Node, '', '');
  return graph;
};
