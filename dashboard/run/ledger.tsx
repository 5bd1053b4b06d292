import type { Transition } from '../chart/marks.ts';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { clockTime, duration } from '../ui/time.ts';
import { eventWord, short } from './run-words.ts';
import type { Change, View } from './use-view.ts';

type Props = {
  rows: readonly Transition[];
  error: unknown;
  view: View;
  onView: (change: Change) => void;
};

const causes: Record<string, string> = {
  command: 'command',
  effect: 'answer',
  timer: 'timer',
  watchdog: 'watchdog',
  recovery: 'recovery',
};
/** A run with more is looked at in parts; the newest are first anyway. */
const most = 300;

const Row = ({
  row,
  before,
  view,
  onView,
}: {
  row: Transition;
  before: Transition | undefined;
  view: View;
  onView: Props['onView'];
}) => {
  const { n, at, from, to, event, cause, guards, verdict, why } = row;
  const isShown = view.n === n;
  const isRelated =
    view.path !== null &&
    [from, to].some((path) => path === view.path || path.startsWith(`${view.path}.`));
  return (
    <li
      className="ledger-row"
      data-verdict={verdict}
      data-shown={isShown || undefined}
      data-related={isRelated || undefined}
    >
      <button
        type="button"
        className="ledger-press"
        aria-pressed={isShown}
        onClick={() => onView({ n: isShown ? null : n })}
      >
        <span className="ledger-n">{n}</span>
        <span className="ledger-what">
          {verdict === 'accepted' ? (
            <>
              <span className="ledger-from">{from === to ? 'stays in' : short(from, to)}</span>{' '}
              {from !== to && <span aria-hidden="true">→ </span>}
              {from !== to && <span className="visually-hidden">to </span>}
              <strong>{short(to, from)}</strong>
            </>
          ) : (
            <>
              <strong className="ledger-verdict">{verdict}</strong> in {short(from)}
            </>
          )}
        </span>
        <time className="ledger-at" dateTime={at} title={at}>
          {clockTime(Date.parse(at))}
          {before && (
            <span className="muted"> +{duration(Date.parse(at) - Date.parse(before.at))}</span>
          )}
        </time>
        <span className="ledger-cause">
          <code>{eventWord(String(event.type))}</code>
          <span className="muted">
            {' '}
            {causes[cause.kind] ?? cause.kind}
            {cause.actor ? ` of ${cause.actor}` : ''}
          </span>
          {guards.map(({ guard, holds }) => (
            <span key={guard} className="ledger-guard" data-holds={holds}>
              <span aria-hidden="true">{holds ? '✓' : '–'}</span> {guard}
              <span className="visually-hidden">{holds ? ' holds' : ' does not hold'}</span>
            </span>
          ))}
        </span>
        {why && <span className="ledger-why">{why}</span>}
      </button>
    </li>
  );
};

/**
 * Every step that was taken or refused: what asked for it, which guards were asked, and what they
 * answered. Newest first.
 */
export const Ledger = ({ rows, error, view, onView }: Props) => {
  const shown = rows.slice(-most);
  return (
    <>
      {error !== null && <ProblemCard error={error} />}
      {rows.length > shown.length && (
        <p className="muted small">
          The newest {most} of {rows.length} steps.
        </p>
      )}
      <ol className="ledger" reversed>
        {shown.toReversed().map((row, index) => (
          <Row
            key={row.n}
            row={row}
            before={shown[shown.length - 2 - index]}
            view={view}
            onView={onView}
          />
        ))}
      </ol>
    </>
  );
};
