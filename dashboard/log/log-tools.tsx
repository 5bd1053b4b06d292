import { type RefObject, useState } from 'react';
import { size } from '../ui/format-bytes.ts';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { plural } from '../ui/state-words.ts';
import { download } from './download.ts';
import type { LogFacts, LogPlace } from './log-document.ts';
import type { useLogSearch } from './use-log-search.ts';

type Found = ReturnType<typeof useLogSearch>;
type Props = {
  place: LogPlace;
  facts: LogFacts;
  found: Found;
  /** The match that is shown, by its index. */
  at: number;
  q: string;
  input: RefObject<HTMLInputElement | null>;
  onGo: (index: number) => void;
  onSearch: (q: string) => void;
};

const foundText = ({ isBusy, matches, nextOffset }: Found, at: number): string => {
  if (isBusy) return 'searching…';
  if (matches.length === 0) return 'no match';
  return `${at + 1} of ${matches.length.toLocaleString()}${nextOffset === null ? '' : '+'}`;
};

/** Search, size and download of a log; below them what went wrong. */
export const LogTools = ({ place, facts, found, at, q, input, onGo, onSearch }: Props) => {
  const [error, setError] = useState<unknown>(null);
  const total = facts.total ?? 0;
  return (
    <>
      <form
        className="log-tools"
        onSubmit={(event) => {
          event.preventDefault();
          const text = input.current?.value ?? '';
          if (text === q) onGo(at + 1);
          else onSearch(text);
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
                onGo(at - 1);
              }
            }}
            onChange={({ target }) => target.value === '' && onSearch('')}
          />
        </label>
        <output className="log-found">{q !== '' && foundText(found, at)}</output>
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
    </>
  );
};
