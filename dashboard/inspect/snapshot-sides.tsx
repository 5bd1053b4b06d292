import { useMemo } from 'react';
import { CopyJson } from './copy-button.tsx';
import { type Inspected, type Json, snapshotOf } from './inspected-frame.ts';
import { type Difference, differencesOf } from './json-difference.ts';
import { JsonTree } from './json-tree.tsx';
import type { KnownActor } from './known-actors.ts';
import type { ChangeView, InspectView } from './use-inspect-view.ts';
import type { Inspection } from './use-inspection.ts';

type Shown = { place: number; n: number; snapshot: Json };

const numberOf = (frame: Inspected | undefined, place: number): number => frame?.step ?? place;

/** Of an actor, the snapshot that a step left behind, and the one before that. */
const snapshotsAfter = (
  { frames }: Inspection,
  actor: KnownActor | undefined,
  n: number,
): { now: Shown | null; before: Shown | null } => {
  const places = actor?.snapshots ?? [];
  const index = places.findLastIndex((place) => numberOf(frames[place], place) <= n);
  const shown = (at: number): Shown | null => {
    const place = places[at];
    const frame = place === undefined ? undefined : frames[place];
    if (place === undefined || !frame) return null;
    return { place, n: numberOf(frame, place), snapshot: snapshotOf(frame) };
  };
  return { now: shown(index), before: shown(index - 1) };
};

const useChosenSnapshots = (inspection: Inspection) => {
  const { frames, actors, chosen } = inspection;
  const frame = frames[chosen];
  const actor = actors.find(({ id }) => id === frame?.sessionId);
  const n = numberOf(frame, chosen);
  return useMemo(() => ({ actor, n, ...snapshotsAfter(inspection, actor, n) }), [frames, actor, n]);
};

/** The whole of an actor after the chosen step; what the step changed is marked. */
export const SnapshotSide = ({ inspection }: { inspection: Inspection }) => {
  const { actor, now, before } = useChosenSnapshots(inspection);
  const marked = useMemo(
    () => new Set(differencesOf(before?.snapshot, now?.snapshot).map(({ path }) => path)),
    [before, now],
  );
  if (!actor || !now) return <p className="muted">No snapshot of this actor was told yet.</p>;
  return (
    <>
      <p className="side-head">
        <span>
          <strong>{actor.name}</strong> after step {now.n}
          {before && <span className="muted">, marked is what it changed</span>}
        </span>
        <CopyJson label="Copy" value={() => now.snapshot} />
      </p>
      <JsonTree value={now.snapshot} marked={before ? marked : new Set()} />
    </>
  );
};

const signs = { added: '+', removed: '−', changed: '~' } as const;
const most = 300;
const brief = (value: unknown): string => {
  const text = JSON.stringify(value) ?? '';
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
};

const Change = ({ path, kind, before, after }: Difference) => (
  <li data-change={kind}>
    <span aria-hidden="true">{signs[kind]}</span>
    <span className="visually-hidden">{kind} </span>
    <code className="change-path">{path === '' ? 'all of it' : path}</code>
    {kind !== 'added' && <del>{brief(before)}</del>}
    {kind !== 'removed' && <ins>{brief(after)}</ins>}
  </li>
);

const StepField = ({
  label,
  value,
  onStep,
}: {
  label: string;
  value: number | null;
  onStep: (step: string | null) => void;
}) => (
  <label className="step-field">
    {label}
    <input
      type="number"
      min={0}
      value={value ?? ''}
      onChange={({ target }) => onStep(target.value === '' ? null : target.value)}
    />
  </label>
);

const stepIn = (text: string | null): number | null =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;

/** What is different between two steps: the chosen one and the one before it, or any two. */
export const DifferenceSide = ({
  inspection,
  view,
  onView,
}: {
  inspection: Inspection;
  view: InspectView;
  onView: ChangeView;
}) => {
  const { actor, n, now, before } = useChosenSnapshots(inspection);
  const [a, b] = [stepIn(view.a), stepIn(view.b)];
  const { from, to, changes } = useMemo(() => {
    const first = a === null ? before : snapshotsAfter(inspection, actor, a).now;
    const second = b === null ? now : snapshotsAfter(inspection, actor, b).now;
    return {
      from: first,
      to: second,
      changes: differencesOf(first?.snapshot ?? {}, second?.snapshot ?? {}),
    };
  }, [inspection.frames, actor, a, b, before, now]);
  if (!actor || !to) return <p className="muted">No snapshot of this actor was told yet.</p>;
  return (
    <>
      <div className="side-head">
        <span className="step-fields">
          <strong>{actor.name}</strong>
          <StepField
            label="A: step"
            value={a ?? from?.n ?? null}
            onStep={(step) => onView({ a: step })}
          />
          <StepField label="B: step" value={b ?? to.n} onStep={(step) => onView({ b: step })} />
        </span>
        <span>
          <button
            type="button"
            className="button quiet small"
            onClick={() => onView({ a: `${n}` })}
          >
            Chosen as A
          </button>
          <button
            type="button"
            className="button quiet small"
            onClick={() => onView({ b: `${n}` })}
          >
            Chosen as B
          </button>
          {(a !== null || b !== null) && (
            <button
              type="button"
              className="button quiet small"
              onClick={() => onView({ a: null, b: null })}
            >
              Each with the one before
            </button>
          )}
          <CopyJson label="Copy" value={() => ({ a: from?.n, b: to.n, changes })} />
        </span>
      </div>
      {from === null && <p className="muted">There is nothing before it: all of it is new.</p>}
      {changes.length === 0 && <p className="muted">Nothing is different.</p>}
      <ul className="changes">
        {changes.slice(0, most).map((change) => (
          <Change key={change.path} {...change} />
        ))}
      </ul>
      {changes.length > most && <p className="muted">and {changes.length - most} more</p>}
    </>
  );
};
