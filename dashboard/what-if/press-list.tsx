import { short } from '../run/run-words.ts';
import { GuardMark } from '../ui/guard-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import type { Possible } from './use-what-if.ts';

const groups = { answer: 'Answers', timer: 'Clocks', command: 'Commands' } as const;
const kinds = ['answer', 'timer', 'command'] as const;

/** The ways that the chart looks at, in its order: what each asks, and which one is taken. */
export const Ways = ({ ways }: { ways: Possible['ways'] }) => (
  <ul className="ways">
    {ways.map(({ to, guard, holds, values, is_taken }) => (
      <li key={`${to} ${guard}`} data-taken={is_taken || undefined}>
        <span className="way-to">
          <span aria-hidden="true">{is_taken ? '→' : '·'}</span> {short(to)}
          {is_taken && <span className="visually-hidden"> is taken</span>}
        </span>
        {guard !== null && <GuardMark guard={guard} holds={holds === true} values={values} />}
        {guard === null && !is_taken && <span className="muted">otherwise</span>}
      </li>
    ))}
  </ul>
);

const Event = ({
  event,
  isMarked,
  onPress,
  onLook,
}: {
  event: Possible;
  isMarked: boolean;
  onPress: () => void;
  onLook: (path: string | null) => void;
}) => {
  const { text, ways, leads_to } = event;
  return (
    <li className="press" data-marked={isMarked || undefined}>
      <button
        type="button"
        className="press-button"
        disabled={leads_to === null}
        onClick={onPress}
        onPointerEnter={() => onLook(leads_to?.path ?? null)}
        onPointerLeave={() => onLook(null)}
        onFocus={() => onLook(leads_to?.path ?? null)}
        onBlur={() => onLook(null)}
      >
        <span>{text}</span>
        {leads_to && (
          <span className="press-to">
            {lookOfRun({ state: leads_to.state, outcome: null }).word} · {short(leads_to.path)}
          </span>
        )}
      </button>
      {ways.some(({ guard }) => guard !== null) && <Ways ways={ways} />}
    </li>
  );
};

/** Every event that may come there: pressed, the next state is shown. What cannot come says why. */
export const PressList = ({
  events,
  marked,
  onPress,
  onLook,
}: {
  events: readonly Possible[];
  /** Several lead to what was pressed on the chart: they stand out, by their texts. */
  marked: ReadonlySet<string>;
  onPress: (press: Possible['press']) => void;
  onLook: (path: string | null) => void;
}) => {
  const possible = events.filter(({ allowed }) => allowed);
  const not = events.filter(({ allowed }) => !allowed);
  return (
    <section className="presses" aria-labelledby="presses-title">
      <h2 id="presses-title" tabIndex={-1}>
        What can come now
      </h2>
      {possible.length === 0 && (
        <p className="muted">Nothing: the run is over, and nothing moves it any more.</p>
      )}
      {kinds.map((kind) => {
        const some = possible.filter(({ press }) => press.kind === kind);
        return some.length === 0 ? null : (
          <div key={kind}>
            <h3>{groups[kind]}</h3>
            <ul>
              {some.map((event) => (
                <Event
                  key={event.text}
                  event={event}
                  isMarked={marked.has(event.text)}
                  onPress={() => onPress(event.press)}
                  onLook={onLook}
                />
              ))}
            </ul>
          </div>
        );
      })}
      {not.length > 0 && (
        <details>
          <summary>Not possible there</summary>
          <ul className="presses-not">
            {not.map(({ text, why_not, ways }) => (
              <li key={text}>
                <p>
                  {text} <span className="muted">{why_not}</span>
                </p>
                {ways.length > 0 && <Ways ways={ways} />}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
};
