import {
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { useKeys } from '../shell/keys.ts';
import { Icon } from '../ui/icon.tsx';
import { plural } from '../ui/state-words.ts';
import { AnsiText } from './ansi-text.tsx';
import { type LogDocument, type LogFacts, type LogPlace, openLog } from './log-document.ts';
import { LogTools } from './log-tools.tsx';
import { protocolWords } from './protocol-words.ts';
import { lineHeight, useLines } from './use-lines.ts';
import { useLogSearch } from './use-log-search.ts';

type Props = {
  place: LogPlace;
  /** The attempt is going on: more may come. */
  isLive: boolean;
  line: number | null;
  q: string;
  onLine: (line: number | null) => void;
  onSearch: (q: string) => void;
  /** The reader has left the end: what is read must not be exchanged for what is newer. */
  onRead: () => void;
};

const useLog = (
  { runId, stage, attempt, stream }: LogPlace,
  isLive: boolean,
): LogDocument | null => {
  const [log, setLog] = useState<LogDocument | null>(null);
  // Whether more comes is asked once: the socket of an attempt that ends meanwhile says so itself.
  const live = useRef(isLive);
  useEffect(() => {
    const opened = openLog({ runId, stage, attempt, stream }, { isLive: live.current });
    setLog(opened);
    return () => opened.close();
  }, [runId, stage, attempt, stream]);
  return log;
};

/**
 * The output of one attempt: any length, searched by the service, and never scrolled under the
 * reader's eyes.
 */
export const LogView = (props: Props) => {
  const log = useLog(props.place, props.isLive);
  return log && <OpenLog key={Object.values(props.place).join()} {...props} log={log} />;
};

/** The match that is shown, and the way to another one; the first is shown once it is found. */
const useMatches = (
  place: LogPlace,
  q: string,
  line: number | null,
  onMatch: (line: number) => void,
) => {
  const found = useLogSearch(place, q);
  const [at, setAt] = useState(0);
  const go = (index: number): void => {
    const match = found.matches.at(index % Math.max(1, found.matches.length));
    if (!match) return;
    setAt(((index % found.matches.length) + found.matches.length) % found.matches.length);
    onMatch(match.line);
  };
  const gone = useRef(go);
  gone.current = go;
  const first = found.matches[0]?.line;
  useEffect(() => {
    if (first !== undefined && line === null) gone.current(0);
  }, [first]);
  return { found, at, go };
};

const useLogKeys = (toEnd: () => void, input: RefObject<HTMLInputElement | null>): void =>
  useKeys(
    useMemo(
      () => [
        { keys: 'f', label: 'Follow the log', group: 'This run', run: toEnd },
        {
          keys: '/',
          label: 'Search the log',
          group: 'This run',
          run: () => input.current?.focus(),
        },
      ],
      [toEnd, input],
    ),
  );

const keysOf =
  (jump: (line: number) => void, toEnd: () => void) =>
  (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Home') jump(1);
    else if (event.key === 'End') toEnd();
    else if (step && event.target instanceof HTMLAnchorElement) {
      // The line numbers are one stop of the Tab key; arrows go from one to the next.
      const row = event.target.closest('.log-line');
      const next = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
      next?.querySelector<HTMLElement>('.log-number')?.focus();
    } else return;
    event.preventDefault();
  };

const OpenLog = ({
  place,
  log,
  line,
  q,
  onLine,
  onSearch,
  onRead,
}: Props & { log: LogDocument }) => {
  const facts = useSyncExternalStore(log.subscribe, log.facts);
  const scroller = useRef<HTMLDivElement>(null);
  const total = facts.total ?? 0;
  const { from, to, base, height, isAtEnd, unseen, jump, toEnd, onScroll } = useLines(
    scroller,
    log,
    total,
    line,
  );
  const reads = useRef(onRead);
  reads.current = onRead;
  useEffect(() => {
    if (!isAtEnd && total > 0) reads.current();
  }, [isAtEnd, total]);
  const input = useRef<HTMLInputElement>(null);
  const { found, at, go } = useMatches(place, q, line, (match) => {
    onLine(match);
    jump(match);
  });

  useLogKeys(toEnd, input);
  const onKeyDown = keysOf(jump, toEnd);
  return (
    <>
      <LogTools
        place={place}
        facts={facts}
        found={found}
        at={at}
        q={q}
        input={input}
        onGo={go}
        onSearch={(text) => {
          // Emptied while it is written: the line that was shown stays.
          if (text !== '') onLine(null);
          onSearch(text);
        }}
      />
      <div className="log-frame">
        <div
          ref={scroller}
          className="log"
          role="log"
          aria-live="off"
          aria-label={`${place.stream} of ${place.stage}, attempt ${place.attempt}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it too
          tabIndex={0}
          onScroll={onScroll}
          onKeyDown={onKeyDown}
        >
          <LogPaper
            log={log}
            place={place}
            q={q}
            line={line}
            window={{ from, to: Math.min(to, total), base, height }}
            onLine={onLine}
          />
        </div>
        <Empty facts={facts} place={place} />
        {!isAtEnd && total > 0 && (
          <button type="button" className="log-pill" onClick={toEnd}>
            {unseen > 0 ? plural(unseen, 'new line') : 'To the end'} <Icon name="down" size={14} />
          </button>
        )}
      </div>
    </>
  );
};

type PaperProps = Pick<Props, 'place' | 'q' | 'line' | 'onLine'> & {
  log: LogDocument;
  /** The lines that are drawn, and where on the paper they stand. */
  window: { from: number; to: number; base: number; height: number };
};

const LogPaper = ({ log, place, q, line, window, onLine }: PaperProps) => {
  const { from, to, base, height } = window;
  const [focused, setFocused] = useState<number | null>(null);
  const shown = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  const stop = [focused, line].find((one) => one !== null && shown.includes(one)) ?? shown[0];
  return (
    <div className="log-paper" style={{ blockSize: `${height}px` }}>
      {shown.map((number) => (
        <LogLine
          key={number}
          log={log}
          place={place}
          number={number}
          q={q}
          top={(number - 1 - base) * lineHeight}
          isShown={number === line}
          isStop={number === stop}
          onFocus={setFocused}
          onLine={onLine}
        />
      ))}
    </div>
  );
};

type LineProps = {
  log: LogDocument;
  place: LogPlace;
  number: number;
  q: string;
  top: number;
  isShown: boolean;
  isStop: boolean;
  onFocus: (line: number) => void;
  onLine: (line: number | null) => void;
};

const LogLine = (props: LineProps) => {
  const { log, place, number, q, top, isShown, isStop, onFocus, onLine } = props;
  const known = log.line(number);
  return (
    <div
      className="log-line"
      data-shown={isShown || undefined}
      style={{ insetBlockStart: `${top}px` }}
    >
      <a
        className="log-number"
        href={`?stage=${place.stage}&attempt=${place.attempt}&stream=${place.stream}&line=${number}`}
        aria-label={`Line ${number}`}
        tabIndex={isStop ? 0 : -1}
        onFocus={() => onFocus(number)}
        onClick={(event) => {
          event.preventDefault();
          onLine(isShown ? null : number);
        }}
      >
        {number}
      </a>
      <span className="log-text">{known ? <LineText {...known} q={q} /> : ' '}</span>
      {known?.isCut && (
        <a
          className="log-rest"
          href={`/api/runs/${place.runId}/logs/${place.stage}/${place.attempt}?stream=${place.stream}&from_line=${number}&lines=1`}
        >
          … the whole line
        </a>
      )}
    </div>
  );
};

const LineText = ({ text, q }: { text: string; q: string }) => {
  // Whoever searches is shown what was found, not our words for it.
  const words = q === '' ? protocolWords(text) : null;
  return words === null ? (
    <AnsiText text={text} marked={q} />
  ) : (
    <span className="log-protocol" title={text}>
      {words}
    </span>
  );
};

const Empty = ({
  facts: { total, isOver, isMissing },
  place,
}: {
  facts: LogFacts;
  place: LogPlace;
}) => {
  if (total !== 0) return null;
  const text = !isOver
    ? 'No output yet.'
    : isMissing
      ? 'There is no output: nothing was written, or it was cleared away.'
      : `This attempt printed nothing to ${place.stream}.`;
  return <p className="log-empty muted">{text}</p>;
};
