import { useMemo, useRef, useState } from 'react';
import { useWidth } from '../chart/use-width.ts';
import { plural } from '../ui/state-words.ts';
import { foldRepeats, type Lane, type MessageRow, messagesOf } from './message-rows.ts';
import { gutter, idOfMessage, laneWidthFor, rowHeight, SequenceRow, xOf } from './sequence-row.tsx';
import type { Inspection } from './use-inspection.ts';
import { useListKeys } from './use-list-keys.ts';
import { useWindow } from './use-window.ts';

const placeOf = (row: MessageRow): number =>
  row.kind === 'message' ? row.message.place : row.place;

/** The rows of the diagram, and which of its folds are open. */
const useMessageRows = ({ frames, places, actors }: Inspection) => {
  const [opened, setOpened] = useState<ReadonlySet<number> | 'all'>(new Set<number>());
  const { lanes, messages } = useMemo(
    () => messagesOf(frames, places, actors),
    [frames, places, actors],
  );
  const rows = useMemo(() => foldRepeats(messages, opened), [messages, opened]);
  const drawn = useMemo(
    () => rows.flatMap((row) => (row.kind === 'message' ? [row.message.place] : [])),
    [rows],
  );
  const toggle = (place: number): void =>
    setOpened((before) => {
      const next = new Set(
        before === 'all' ? rows.flatMap((row) => (row.kind === 'fold' ? [row.place] : [])) : before,
      );
      if (!next.delete(place)) next.add(place);
      return next;
    });
  const toggleAll = (): void => setOpened(opened === 'all' ? new Set<number>() : 'all');
  return { lanes, messages, rows, drawn, isAllOpen: opened === 'all', toggle, toggleAll };
};

type HeadsProps = { lanes: readonly Lane[]; width: string; laneWidth: number };
const Heads = ({ lanes, width, laneWidth }: HeadsProps) => (
  <div role="presentation" aria-hidden="true" className="seq-heads" style={{ inlineSize: width }}>
    {lanes.map(({ key, name, isOutside }) => (
      <span
        key={key}
        data-outside={isOutside || undefined}
        title={name}
        style={{ inlineSize: `${laneWidth}px` }}
      >
        {name}
      </span>
    ))}
  </div>
);

/**
 * Who told whom what, in order: a line down for each actor, an arrow for each message. What comes
 * again and again is drawn once.
 */
export const SequenceDiagram = ({ inspection }: { inspection: Inspection }) => {
  const drawn = useMessageRows(inspection);
  return drawn.messages.length === 0 ? (
    <p className="inspect-none muted">No message between actors matches.</p>
  ) : (
    <Diagram inspection={inspection} {...drawn} />
  );
};

type DiagramProps = ReturnType<typeof useMessageRows> & { inspection: Inspection };

const Diagram = (props: DiagramProps) => {
  const { inspection, lanes, messages, rows, drawn, isAllOpen, toggle, toggleAll } = props;
  const { frames, chosen, choose } = inspection;
  const scroller = useRef<HTMLDivElement>(null);
  const shown = rows.findLastIndex((row) => row.kind === 'message' && placeOf(row) <= chosen);
  const { from, to, height, onScroll } = useWindow(scroller, rows.length, rowHeight, shown);
  const onKeyDown = useListKeys({ places: drawn, chosen, choose });
  const at = rows[shown];
  const laneWidth = laneWidthFor(useWidth(scroller), lanes.length);
  const width = `${gutter + lanes.length * laneWidth}px`;
  const folds = rows.filter(({ kind }) => kind === 'fold').length;
  return (
    <>
      <p className="seq-sum muted small">
        {plural(messages.length, 'message')} and states
        {folds > 0 && (
          <button type="button" className="button quiet small" onClick={toggleAll}>
            {isAllOpen ? 'Fold repeats' : 'Show all repeats'}
          </button>
        )}
      </p>
      <div
        ref={scroller}
        className="frames seq"
        role="listbox"
        aria-label="Sequence of messages"
        aria-activedescendant={
          at && shown >= from && shown < to ? idOfMessage(placeOf(at)) : undefined
        }
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
      >
        <Heads lanes={lanes} width={width} laneWidth={laneWidth} />
        <div
          role="presentation"
          className="frames-paper"
          style={{
            blockSize: `${height}px`,
            inlineSize: width,
          }}
        >
          {lanes.map(({ key, isOutside }, lane) => (
            <span
              key={key}
              className="seq-line"
              data-outside={isOutside || undefined}
              style={{ insetInlineStart: `${gutter + xOf(lane, laneWidth)}px` }}
            />
          ))}
          {rows.slice(from, to).map((row, index) => (
            <SequenceRow
              key={`${row.kind} ${placeOf(row)}`}
              row={row}
              index={from + index}
              lanes={lanes}
              laneWidth={laneWidth}
              frames={frames}
              isChosen={from + index === shown}
              onChoose={choose}
              onFold={toggle}
            />
          ))}
        </div>
      </div>
    </>
  );
};
