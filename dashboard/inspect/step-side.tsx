import { CopyJson } from './copy-button.tsx';
import { jsonOf } from './inspected-frame.ts';
import { DifferenceSide, SnapshotSide } from './snapshot-sides.tsx';
import { StepFacts } from './step-facts.tsx';
import { type ChangeView, type InspectView, type Side, sides } from './use-inspect-view.ts';
import type { Inspection } from './use-inspection.ts';

type Props = { inspection: Inspection; view: InspectView; onView: ChangeView };

const JsonSide = ({ inspection: { frames, chosen } }: { inspection: Inspection }) => {
  const frame = frames[chosen];
  if (!frame) return null;
  return (
    <>
      <p className="side-head">
        <code>{frame.type}</code>
        <CopyJson label="Copy" value={() => jsonOf(frame)} />
      </p>
      <pre className="side-json">
        {frame.kind === 'unknown' ? frame.text : JSON.stringify(jsonOf(frame), null, 2)}
      </pre>
    </>
  );
};

/** Of the chosen frame: its step in words, its actor's snapshot, what changed, and the frame itself. */
export const StepSide = ({ inspection, view, onView }: Props) => (
  <section className="inspect-side" aria-label="The chosen step">
    <fieldset className="segments">
      <legend className="visually-hidden">What to show of it</legend>
      {(Object.keys(sides) as Side[]).map((side) => (
        <label key={side}>
          <input
            type="radio"
            name="inspect-side"
            checked={view.side === side}
            onChange={() => onView({ side: side === 'step' ? null : side })}
          />
          <span>{sides[side]}</span>
        </label>
      ))}
    </fieldset>
    <section
      className="side-body"
      aria-label={sides[view.side]}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
      tabIndex={0}
    >
      {view.side === 'step' && <StepFacts inspection={inspection} />}
      {view.side === 'snapshot' && <SnapshotSide inspection={inspection} />}
      {view.side === 'difference' && (
        <DifferenceSide inspection={inspection} view={view} onView={onView} />
      )}
      {view.side === 'json' && <JsonSide inspection={inspection} />}
    </section>
  </section>
);
