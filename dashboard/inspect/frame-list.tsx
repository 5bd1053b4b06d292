import { useRef } from 'react';
import { GuardMark } from '../ui/guard-mark.tsx';
import { clockTime } from '../ui/time.ts';
import { askerWord, frameWord, kindWords } from './frame-words.ts';
import type { Inspected } from './inspected-frame.ts';
import type { KnownActor } from './known-actors.ts';
import type { Inspection } from './use-inspection.ts';
import { useListKeys } from './use-list-keys.ts';
import { useWindow } from './use-window.ts';

const rowHeight = 28;
const idOf = (place: number): string => `frame-${place}`;

type RowProps = {
  frame: Inspected;
  place: number;
  top: number;
  /** Null where it goes without saying: the run itself. */
  actor: string | null;
  /** The first frame of its step that is shown: it has the number. */
  isFirst: boolean;
  isChosen: boolean;
  isSelected: boolean;
  onChoose: (extend: boolean) => void;
};

const Row = (props: RowProps) => {
  const { frame, place, top, actor, isFirst, isChosen, isSelected, onChoose } = props;
  const { kind, step, at, asker, verdict, judged, status } = frame;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its option
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the list do the same
    <div
      id={idOf(place)}
      role="option"
      aria-selected={isSelected}
      className="frame-row"
      data-kind={kind}
      data-chosen={isChosen || undefined}
      data-first={isFirst || undefined}
      data-verdict={verdict ?? undefined}
      data-status={status ?? undefined}
      style={{ insetBlockStart: `${top}px` }}
      onClick={(event) => onChoose(event.shiftKey)}
    >
      <span className="frame-step">{isFirst ? step : ''}</span>
      <span className="frame-at">{isFirst ? clockTime(at) : ''}</span>
      <span className="frame-kind">{kindWords[kind]}</span>
      <span className="frame-word">
        <span className="frame-text">{frameWord(frame)}</span>
        {verdict !== null && verdict !== 'accepted' && (
          <strong className="frame-verdict"> {verdict}</strong>
        )}
        {asker && <span className="muted"> {askerWord(asker)}</span>}
        {kind === 'microstep' && judged.map((one) => <GuardMark key={one.guard} {...one} />)}
      </span>
      {actor !== null && (
        <span className="frame-actor" title={actor}>
          {actor}
        </span>
      )}
    </div>
  );
};

/** Of one run only its children are named. */
const namesOf = (actors: readonly KnownActor[]): Map<string, string> => {
  const isOneRun = actors.filter(({ depth }) => depth === 0).length === 1;
  return new Map(
    actors.flatMap(({ id, name, depth }) => (isOneRun && depth === 0 ? [] : [[id, name]])),
  );
};

/** The frames in the order in which they came; only those on screen have elements. */
export const FrameList = ({ inspection }: { inspection: Inspection }) => {
  const { frames, places, actors, chosen, anchor, choose } = inspection;
  const scroller = useRef<HTMLDivElement>(null);
  const names = namesOf(actors);
  const shown = places.findLastIndex((place) => place <= chosen);
  const { from, to, height, onScroll } = useWindow(scroller, places.length, rowHeight, shown);
  const onKeyDown = useListKeys({ places, chosen, choose });
  const [low, high] = [Math.min(anchor ?? chosen, chosen), Math.max(anchor ?? chosen, chosen)];
  const isDrawn = shown >= from && shown < to;
  return (
    <div
      ref={scroller}
      className="frames"
      role="listbox"
      aria-label="Frames"
      aria-multiselectable="true"
      aria-activedescendant={isDrawn ? idOf(places[shown] ?? 0) : undefined}
      tabIndex={0}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" className="frames-paper" style={{ blockSize: `${height}px` }}>
        {places.slice(from, to).map((place, index) => {
          const frame = frames[place];
          if (!frame) return null;
          const before = frames[places[from + index - 1] ?? -1];
          return (
            <Row
              key={frame.key}
              frame={frame}
              place={place}
              top={(from + index) * rowHeight}
              actor={names.get(frame.sessionId) ?? null}
              isFirst={before?.step !== frame.step || before?.runId !== frame.runId}
              isChosen={place === chosen}
              isSelected={place >= low && place <= high}
              onChoose={(extend) => choose(place, extend)}
            />
          );
        })}
      </div>
    </div>
  );
};
