import {
  type KeyboardEvent,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { useKeys } from '../shell/keys.ts';
import { size } from '../ui/format-bytes.ts';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { plural } from '../ui/state-words.ts';
import { AnsiText } from './ansi-text.tsx';
import { download } from './download.ts';
import { type LogDocument, type LogFacts, type LogPlace, openLog } from './log-document.ts';
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
  const found = useLogSearch(place, q);
  const input = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(0);
  const [error, setError] = useState<unknown>(null);

  const go = (index: number): void => {
    const match = found.matches.at(index % Math.max(1, found.matches.length));
    if (!match) return;
    setAt(((index % found.matches.length) + found.matches.length) % found.matches.length);
    onLine(match.line);
    jump(match.line);
  };
  const gone = useRef(go);
  gone.current = go;
  const first = found.matches[0]?.line;
  useEffect(() => {
    if (first !== undefined && line === null) gone.current(0);
  }, [first]);

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
      [toEnd],
    ),
  );
  const onKeyDown = (event: KeyboardEvent): void => {
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
  const [focused, setFocused] = useState<number | null>(null);
  const shown = Array.from(
    { length: Math.max(0, Math.min(to, total) - from + 1) },
    (_, index) => from + index,
  );
  const stop = [focused, line].find((one) => one !== null && shown.includes(one)) ?? shown[0];
  return (
    <>
      <form
        className="log-tools"
        onSubmit={(event) => {
          event.preventDefault();
          const text = input.current?.value ?? '';
          if (text === q) go(at + 1);
          else {
            onLine(null);
            onSearch(text);
          }
        }}
      >
        <label className="log-search">
          <span className="visually-hidden">Search the whole log</span>
          <Icon name="search" />
          <input
            ref={input}
            type="search"
            placeholder="Search the whole log"
            defaultValue={q}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && event.shiftKey) {
                event.preventDefault();
                go(at - 1);
              }
            }}
            onChange={({ target }) => target.value === '' && onSearch('')}
          />
        </label>
        <output className="log-found">
          {q !== '' &&
            (found.isBusy
              ? 'searching…'
              : found.matches.length === 0
                ? 'no match'
                : `${at + 1} of ${found.matches.length.toLocaleString()}${found.nextOffset === null ? '' : '+'}`)}
        </output>
        {found.nextOffset !== null && (
          <button type="button" className="button quiet small" onClick={found.more}>
            Search on
          </button>
        )}
        <span className="log-size">
          {plural(total, 'line')}, {size(facts.bytes)}
        </span>
        <button
          type="button"
          className="button quiet small"
          disabled={total === 0}
          onClick={() => download(place).catch(setError)}
        >
          <Icon name="down" /> Raw
        </button>
      </form>
      {[found.error, facts.error, error].map(
        (one, index) =>
          one !== null && <ProblemCard key={['search', 'log', 'raw'][index]} error={one} />,
      )}
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
          <div className="log-paper" style={{ blockSize: `${height}px` }}>
            {shown.map((number) => {
              const known = log.line(number);
              return (
                <div
                  key={number}
                  className="log-line"
                  data-shown={number === line || undefined}
                  style={{ insetBlockStart: `${(number - 1 - base) * lineHeight}px` }}
                >
                  <a
                    className="log-number"
                    href={`?stage=${place.stage}&attempt=${place.attempt}&stream=${place.stream}&line=${number}`}
                    aria-label={`Line ${number}`}
                    tabIndex={number === stop ? 0 : -1}
                    onFocus={() => setFocused(number)}
                    onClick={(event) => {
                      event.preventDefault();
                      onLine(number === line ? null : number);
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
            })}
          </div>
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
