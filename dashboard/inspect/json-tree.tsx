import { type ReactNode, useState } from 'react';
import { pathTo } from './json-difference.ts';

type Props = {
  value: unknown;
  /** Paths that are marked, such as those that the step changed. */
  marked: ReadonlySet<string>;
};
type NodeProps = Props & { name: string | null; path: string; depth: number };

const openTo = 2;
const mostChildren = 200;

const isOpen = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const Scalar = ({ value }: { value: unknown }) => (
  <span className="json-value" data-kind={value === null ? 'null' : typeof value}>
    {JSON.stringify(value) ?? 'undefined'}
  </span>
);

/** What is in a closed one, as far as a line tells it. */
const briefOf = (value: Record<string, unknown>): string => {
  const count = Object.keys(value).length;
  if (Array.isArray(value)) return count === 0 ? '[]' : `[${count}]`;
  return count === 0
    ? '{}'
    : `{${Object.keys(value).slice(0, 3).join(', ')}${count > 3 ? ', …' : ''}}`;
};

const Name = ({ name }: { name: string | null }): ReactNode =>
  name !== null && <span className="json-name">{name}: </span>;

const Branch = ({
  name,
  value,
  path,
  depth,
  marked,
}: NodeProps & { value: Record<string, unknown> }) => {
  const isOnWay = [...marked].some((one) => one.startsWith(path) && one !== path);
  const [isShown, setShown] = useState(depth < openTo || (depth > 0 && isOnWay));
  const entries = Object.entries(value);
  return (
    <details open={isShown} onToggle={({ currentTarget }) => setShown(currentTarget.open)}>
      <summary
        data-marked={marked.has(path) || undefined}
        data-holds-marked={(isOnWay && !isShown) || undefined}
      >
        <Name name={name} />
        <span className="json-brief">{briefOf(value)}</span>
      </summary>
      {isShown && (
        <ul>
          {entries.slice(0, mostChildren).map(([key, child]) => (
            <li key={key}>
              <JsonNode
                name={key}
                value={child}
                path={pathTo(path, key, Array.isArray(value))}
                depth={depth + 1}
                marked={marked}
              />
            </li>
          ))}
          {entries.length > mostChildren && (
            <li className="muted">and {entries.length - mostChildren} more</li>
          )}
        </ul>
      )}
    </details>
  );
};

const JsonNode = (props: NodeProps) => {
  const { name, value, path, marked } = props;
  if (isOpen(value) && Object.keys(value).length > 0) return <Branch {...props} value={value} />;
  return (
    <p className="json-leaf" data-marked={marked.has(path) || undefined}>
      <Name name={name} />
      {isOpen(value) ? (
        <span className="json-brief">{briefOf(value)}</span>
      ) : (
        <Scalar value={value} />
      )}
    </p>
  );
};

/** A value that is opened where somebody wants to look; what is closed has no elements. */
export const JsonTree = ({ value, marked }: Props) => (
  <div className="json-tree">
    <JsonNode name={null} value={value} path="" depth={0} marked={marked} />
  </div>
);
