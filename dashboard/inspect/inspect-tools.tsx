import { useMemo, useRef } from 'react';
import { inspectionTypes } from '../../wire/inspection.ts';
import { useKeys } from '../shell/keys.ts';
import { Icon } from '../ui/icon.tsx';
import { plural } from '../ui/state-words.ts';
import { CopyJson } from './copy-button.tsx';
import { isFilteredBy } from './frame-filter.ts';
import { kindWords } from './frame-words.ts';
import { type FrameKind, jsonOf } from './inspected-frame.ts';
import type { ChangeView, InspectView } from './use-inspect-view.ts';
import type { Inspection } from './use-inspection.ts';

type Props = { inspection: Inspection; view: InspectView; onView: ChangeView };

const Kinds = ({ inspection: { frames }, view, onView }: Props) => {
  const counts = Map.groupBy(frames, ({ kind }) => kind);
  const all: FrameKind[] = [
    ...inspectionTypes,
    ...(counts.has('unknown') ? ['unknown' as const] : []),
  ];
  const toggle = (kind: FrameKind): void => {
    const next = view.kinds.includes(kind)
      ? view.kinds.filter((one) => one !== kind)
      : [...view.kinds, kind];
    onView({ type: next.join(',') });
  };
  return (
    <fieldset className="kinds">
      <legend className="visually-hidden">Types of frames</legend>
      {all.map((kind) => (
        <label key={kind} data-kind={kind}>
          <input
            type="checkbox"
            checked={view.kinds.includes(kind)}
            onChange={() => toggle(kind)}
          />
          <span>
            {kindWords[kind]} <span className="figure">{counts.get(kind)?.length ?? 0}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
};

/** The frames that are selected, or all that the filter lets through. */
const Copies = ({ inspection }: { inspection: Inspection }) => {
  const { frames, places, chosen, anchor } = inspection;
  const json = (some: readonly number[]) =>
    some.flatMap((place) => {
      const frame = frames[place];
      return frame ? [jsonOf(frame)] : [];
    });
  const [low, high] = [Math.min(anchor ?? chosen, chosen), Math.max(anchor ?? chosen, chosen)];
  const selected = places.filter((place) => place >= low && place <= high);
  return (
    <>
      {anchor !== null && selected.length > 1 && (
        <CopyJson
          key={`${low} ${high}`}
          label={`Copy the ${selected.length} selected`}
          value={() => json(selected)}
        />
      )}
      <CopyJson label={`Copy all ${places.length}`} value={() => json(places)} />
    </>
  );
};

/** What of the frames is shown, and how. */
export const InspectTools = ({ inspection, view, onView }: Props) => {
  const input = useRef<HTMLInputElement>(null);
  useKeys(
    useMemo(
      () => [
        {
          keys: '/',
          label: 'Filter the frames',
          group: 'Inspector',
          run: () => input.current?.focus(),
        },
      ],
      [],
    ),
  );
  const { frames, places } = inspection;
  return (
    <search className="inspect-tools">
      <fieldset className="segments">
        <legend className="visually-hidden">How to show the frames</legend>
        {(['list', 'sequence'] as const).map((form) => (
          <label key={form}>
            <input
              type="radio"
              name="inspect-form"
              checked={view.form === form}
              onChange={() => onView({ form: form === 'list' ? null : form })}
            />
            <span>{form === 'list' ? 'Frames' : 'Sequence'}</span>
          </label>
        ))}
      </fieldset>
      <label className="log-search">
        <span className="visually-hidden">Filter by text</span>
        <Icon name="search" size={14} />
        <input
          ref={input}
          type="search"
          placeholder="Filter: an event, a state, a value"
          value={view.q}
          onChange={({ target }) => onView({ q: target.value })}
        />
      </label>
      <Kinds inspection={inspection} view={view} onView={onView} />
      {isFilteredBy(view) && (
        <>
          <span className="muted small" role="status">
            {places.length.toLocaleString()} of {plural(frames.length, 'frame')}
            {view.actor !== null && ` of ${view.actor}`}
          </span>
          <button
            type="button"
            className="button quiet small"
            onClick={() => onView({ q: null, type: null, actor: null })}
          >
            <Icon name="close" size={14} />
            Clear
          </button>
        </>
      )}
      <span className="inspect-copies">
        <Copies inspection={inspection} />
      </span>
    </search>
  );
};
