import { plural } from '../ui/state-words.ts';
import { clockTime } from '../ui/time.ts';
import type { Inspected } from './inspected-frame.ts';
import type { Lane, Message, MessageRow } from './message-rows.ts';

export const rowHeight = 34;
const middle = rowHeight / 2;
export const gutter = 92;
export const idOfMessage = (place: number): string => `message-${place}`;
/** As wide as there is room for, within reason. */
export const laneWidthFor = (room: number, lanes: number): number =>
  Math.min(220, Math.max(116, Math.floor((room - gutter - 16) / Math.max(1, lanes))));
export const xOf = (lane: number, laneWidth: number): number => lane * laneWidth + laneWidth / 2;
const charWidth = 6.6;
/** No text is longer than the place it has; the whole of it stands in the list and in its title. */
const cut = (text: string, width: number): string => {
  const most = Math.max(4, Math.floor(width / charWidth));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};

type DrawnProps = { message: Message; laneWidth: number };

/** A message: an arrow from one line to the other, and what it says over it. */
const Arrow = ({ message: { from, to, label, kind }, laneWidth }: DrawnProps) => {
  const [start, end] = [xOf(from, laneWidth), xOf(to, laneWidth)];
  if (from === to)
    return (
      <>
        <path className="seq-wire" d={`M${start} ${middle - 8}h26v16h-20`} />
        <path className="seq-tip" d={`M${start} ${middle + 8}l8 -4v8z`} />
        <text x={start + 34} y={middle + 4}>
          {cut(label, laneWidth * 1.4)}
        </text>
      </>
    );
  const way = Math.sign(end - start);
  return (
    <>
      <path
        className="seq-wire"
        data-kind={kind}
        d={`M${start} ${middle + 8}H${end - way * (kind === 'begin' ? 9 : 3)}`}
      />
      <path className="seq-tip" d={`M${end - way * 2} ${middle + 8}l${-way * 8} -4v8z`} />
      <text x={(start + end) / 2} y={middle + 2} textAnchor="middle">
        {cut(label, Math.abs(end - start) - 24)}
      </text>
    </>
  );
};

/** A state that an actor came to, or its end, on its line. */
const Note = ({ message: { to, label, kind, tone }, laneWidth }: DrawnProps) => {
  // Nothing else stands in its row: it may be wider than its lane.
  const text = cut(label, laneWidth * 1.5);
  const width = text.length * charWidth + 22;
  const [x, y] = [xOf(to, laneWidth) - width / 2, middle - 11];
  return (
    <g data-tone={kind === 'end' ? tone : 'run'}>
      <rect
        className="seq-note"
        x={x}
        y={y}
        width={width}
        height="22"
        rx={kind === 'end' ? 4 : 11}
      />
      <text className="seq-state" x={xOf(to, laneWidth)} y={middle + 4} textAnchor="middle">
        {text}
      </text>
    </g>
  );
};

const saidOf = ({ kind, from, to, label }: Message, lanes: readonly Lane[]): string => {
  const [sender, receiver] = [lanes[from]?.name ?? '', lanes[to]?.name ?? ''];
  if (kind === 'message') return `${sender} to ${receiver}: ${label}`;
  return kind === 'begin' ? `${sender} begins ${receiver}` : `${receiver} is in ${label}`;
};

type RowProps = {
  row: MessageRow;
  index: number;
  lanes: readonly Lane[];
  laneWidth: number;
  frames: readonly Inspected[];
  isChosen: boolean;
  onChoose: (place: number, extend: boolean) => void;
  onFold: (place: number) => void;
};

const Fold = ({ row }: { row: Extract<MessageRow, { kind: 'fold' }> }) => {
  const what = row.length === 1 ? 'the same' : `the ${row.length} rows above`;
  return (
    <span className="seq-fold">
      <strong>{row.times + 1} ×</strong> {what}
      <span className="link-look">
        {row.isOpen ? 'Fold' : `Show ${plural(row.times * row.length, 'more row')}`}
      </span>
    </span>
  );
};

export const SequenceRow = (props: RowProps) => {
  const { row, index, lanes, laneWidth, frames, isChosen, onChoose, onFold } = props;
  const style = { insetBlockStart: `${index * rowHeight}px` };
  if (row.kind === 'fold')
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its option
      // biome-ignore lint/a11y/useKeyWithClickEvents: the switch above the diagram does the same
      <div
        role="option"
        aria-selected={false}
        className="seq-row"
        style={style}
        onClick={() => onFold(row.place)}
      >
        <Fold row={row} />
      </div>
    );
  const { message } = row;
  const frame = frames[message.place];
  const before = frames[message.place - 1];
  const isFirst = before?.step !== frame?.step;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its option
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the list do the same
    <div
      id={idOfMessage(message.place)}
      role="option"
      aria-selected={isChosen}
      title={saidOf(message, lanes)}
      className="seq-row"
      data-chosen={isChosen || undefined}
      style={style}
      onClick={(event) => onChoose(message.place, event.shiftKey)}
    >
      <span className="visually-hidden">{saidOf(message, lanes)}</span>
      <span className="seq-at" aria-hidden="true">
        <span className="frame-step">{isFirst ? frame?.step : ''}</span>
        {isFirst && frame ? clockTime(frame.at) : ''}
      </span>
      <svg width={lanes.length * laneWidth} height={rowHeight} aria-hidden="true">
        <g data-refused={message.isRefused || undefined} data-kind={message.kind}>
          {message.kind === 'message' || message.kind === 'begin' ? (
            <Arrow message={message} laneWidth={laneWidth} />
          ) : (
            <Note message={message} laneWidth={laneWidth} />
          )}
        </g>
      </svg>
    </div>
  );
};
