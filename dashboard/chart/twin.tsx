import type { ChartGraph, Trigger } from '../../drawing/graph.ts';
import { rolesOf } from '../../drawing/roles.ts';
import type { Marks } from './marks.ts';

const wordOf = (marks: Marks, path: string): string => {
  const visits = marks.visits.get(path) ?? 0;
  if (marks.active.has(path)) return 'current';
  return visits === 0 ? 'not entered' : visits === 1 ? 'entered once' : `entered ${visits} times`;
};

const causeOf = ({ kind, name }: Trigger): string => {
  if (kind === 'event') return name;
  if (kind === 'after') return `after ${name}`;
  if (kind === 'always') return 'at once';
  return `when ${name} ${kind === 'done' ? 'is done' : 'fails'}`;
};

/**
 * The chart in words: each state, how it stands, and where it leads. The same data as the drawing.
 */
export const ChartTwin = ({ graph, marks }: { graph: ChartGraph; marks: Marks }) => {
  const roles = rolesOf(graph);
  const list = (parent: string | null) => {
    const states = [...roles.flow(parent), ...roles.aside(parent)];
    if (states.length === 0) return null;
    return (
      <ul>
        {states.map(({ path, name, title }) => (
          <li key={path} aria-current={marks.active.has(path) || undefined}>
            <strong>{title ?? name}</strong>, {wordOf(marks, path)}
            {graph.edges
              .filter(({ from }) => from === path)
              .map(({ to, trigger, guard, isInternal }) => {
                const key = `${trigger.kind} ${trigger.name} ${guard} ${to}`;
                return (
                  <p key={key}>
                    {causeOf(trigger)}
                    {guard === null ? '' : `, if ${guard}`}:{' '}
                    {isInternal ? 'noted here' : `to ${to}`}
                  </p>
                );
              })}
            {list(path)}
          </li>
        ))}
      </ul>
    );
  };
  return <div className="chart-twin">{list(null)}</div>;
};
