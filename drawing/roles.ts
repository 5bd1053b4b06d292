import type { ChartEdge, ChartGraph, ChartState } from './graph.ts';

/** What a state is to a reader, which decides its colour and its shape: never its name. */
export type Tone = 'work' | 'wait' | 'ok' | 'bad' | 'stop';
export type Roles = {
  children(parent: string | null): ChartState[];
  /** The way through when nothing goes wrong, in order. */
  flow(parent: string | null): ChartState[];
  /** What is beside that way: first what leads back to it. */
  aside(parent: string | null): ChartState[];
  /** The child of `parent` that a path is in, or is. */
  childOf(parent: string | null, path: string): ChartState | null;
  tone(path: string): Tone;
  /** A point where a way is chosen: nobody is ever seen there. */
  isChoice(path: string): boolean;
};

const isWithin = (path: string, parent: string | null): boolean =>
  parent === null || path.startsWith(`${parent}.`);

/**
 * Derived from the transitions alone, so a chart of tomorrow's compiler is drawn as well as
 * today's.
 */
export const rolesOf = ({ states, edges }: ChartGraph): Roles => {
  const byPath = new Map(states.map((state) => [state.path, state]));
  const outOf = Map.groupBy(
    edges.filter(({ isInternal }) => !isInternal),
    ({ from }) => from,
  );
  const byParent = Map.groupBy(states, ({ parent }) => parent);
  const children = (parent: string | null): ChartState[] => byParent.get(parent) ?? [];
  const childOf = (parent: string | null, path: string): ChartState | null =>
    children(parent).find((child) => child.path === path || isWithin(path, child.path)) ?? null;
  /**
   * How much a transition looks like the way on: within its container, or to an end, and asked of
   * nobody.
   */
  const onward = ({ from, to, guard }: ChartEdge): number => {
    const parent = byPath.get(from)?.parent ?? null;
    const place =
      childOf(parent, to) !== null && isWithin(to, parent)
        ? 4
        : byPath.get(to)?.kind === 'final'
          ? 2
          : 0;
    return place + (guard === null ? 1 : 0);
  };

  /** Where success leads from here, or null. */
  const successor = (path: string): string | null => {
    const own = outOf.get(path) ?? [];
    const done = own
      .filter(({ trigger }) => trigger.kind === 'done' || trigger.kind === 'always')
      .toSorted((a, b) => onward(b) - onward(a))[0];
    if (done) return done.to;
    const state = byPath.get(path) as ChartState;
    if (state.kind === 'compound') {
      const last = flow(path).at(-1);
      const to = last ? successor(last.path) : null;
      return to !== null && !isWithin(to, path) ? to : null;
    }
    // Nothing is invoked: what it waits for is the way on.
    return state.kind === 'atomic' && state.invokes.length === 0 ? (own[0]?.to ?? null) : null;
  };
  const flows = new Map<string | null, ChartState[]>();
  const flow = (parent: string | null): ChartState[] => {
    const known = flows.get(parent);
    if (known) return known;
    const chain: ChartState[] = [];
    flows.set(parent, chain);
    if (parent !== null && byPath.get(parent)?.kind === 'parallel') chain.push(...children(parent));
    let at = children(parent).find(({ initial }) => initial) ?? null;
    while (at && !chain.includes(at)) {
      chain.push(at);
      const to = successor(at.path);
      at = to === null ? null : childOf(parent, to);
    }
    return chain;
  };
  const aside = (parent: string | null): ChartState[] => {
    const onFlow = flow(parent);
    const rest = children(parent).filter((state) => !onFlow.includes(state));
    const leadsBack = ({ path }: ChartState): boolean =>
      (outOf.get(path) ?? []).some(({ to }) => onFlow.some((state) => state.path === to));
    return [...rest.filter(leadsBack), ...rest.filter((state) => !leadsBack(state))];
  };

  /** The states that lead by success to this one, and itself. */
  const leadingTo = (path: string): Set<string> => {
    const found = new Set([path]);
    for (const one of found)
      for (const { from, to, trigger } of edges)
        if (to === one && trigger.kind === 'done') found.add(from);
    return found;
  };
  const tones = new Map<string, Tone>();
  for (const end of states.filter(({ parent, kind }) => parent === null && kind === 'final')) {
    if (flow(null).includes(end)) tones.set(end.path, 'ok');
    else {
      const chain = [...leadingTo(end.path)].filter((path) => byPath.get(path)?.parent === null);
      const causes = edges.filter(
        ({ from, to }) => chain.includes(to) && !chain.includes(from) && from !== '',
      );
      // Only people send what leads to this end: it was asked for.
      const asked = causes.length > 0 && causes.every(({ trigger }) => trigger.kind === 'event');
      for (const path of chain) tones.set(path, asked ? 'stop' : 'bad');
    }
  }
  const tone = (path: string): Tone => {
    const state = byPath.get(path) as ChartState;
    const known = tones.get(path);
    if (known) return known;
    if (state.kind === 'final') return flow(state.parent).includes(state) ? 'ok' : 'bad';
    if (state.kind !== 'atomic' || state.stage !== null) return 'work';
    return flow(state.parent).includes(state) && state.invokes.length > 0 ? 'work' : 'wait';
  };
  const busy = new Set(
    edges.filter(({ trigger }) => trigger.kind !== 'always').map(({ from }) => from),
  );
  const isChoice = (path: string): boolean => {
    const state = byPath.get(path);
    return (
      state?.kind === 'atomic' && state.invokes.length === 0 && outOf.has(path) && !busy.has(path)
    );
  };
  return { children, flow, aside, childOf, tone, isChoice };
};
