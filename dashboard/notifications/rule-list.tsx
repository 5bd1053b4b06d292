import { Link } from 'wouter';
import { duration } from '../ui/time.ts';
import type { Rule } from './read-notifications.ts';

const details = ({ after, quiet, repeat_ms }: Rule): string =>
  [
    after > 1 && `after ${after} failed runs in a row`,
    quiet !== null && `held from ${quiet.replace('-', ' to ')}`,
    // Nobody writes `4 h 00 min`.
    repeat_ms !== null && `again every ${duration(repeat_ms).replace(/ 00 (min|s)$/, '')}`,
  ]
    .filter(Boolean)
    .join(', ');

type Props = { rules: readonly Rule[]; silent: readonly string[] };
/** Who is told of what, and who says so. */
export const RuleList = ({ rules, silent }: Props) => (
  <ul className="documents rule-list">
    {rules.map((rule) => (
      <li key={JSON.stringify(rule)}>
        <b>{rule.on.join(', ')}</b> to <b>{rule.to.join(', ')}</b>
        <span className="muted">
          {details(rule) && ` ${details(rule)}`},{' '}
          {rule.pipeline === null ? (
            'of every pipeline, by the settings'
          ) : (
            <>
              of <Link href={`/pipelines/${rule.pipeline}`}>{rule.pipeline}</Link>, by its file
            </>
          )}
        </span>
      </li>
    ))}
    {silent.map((name) => (
      <li key={name}>
        <b>nothing</b>{' '}
        <span className="muted">
          of <Link href={`/pipelines/${name}`}>{name}</Link>: its file says <code>notify: []</code>
        </span>
      </li>
    ))}
    {rules.length === 0 && <li>No rule names a channel: nobody is told.</li>}
  </ul>
);
