import { useMemo } from 'react';
import { piecesOf } from './ansi.ts';

/** Output of a stage with its colours. `marked` is what was searched for. */
export const AnsiText = ({ text, marked = '' }: { text: string; marked?: string }) => {
  const pieces = useMemo(() => piecesOf(text), [text]);
  return pieces.map(({ text: piece, classes }, index) => (
    <span key={index} className={classes || undefined}>
      {marked === '' ? piece : split(piece, marked)}
    </span>
  ));
};

const split = (text: string, marked: string) => {
  const parts: (string | { hit: string })[] = [];
  const lower = text.toLowerCase();
  const needle = marked.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), { hit: text.slice(at, at + needle.length) });
    from = at + needle.length;
  }
  parts.push(text.slice(from));
  return parts.map((part, index) =>
    typeof part === 'string' ? part : <mark key={index}>{part.hit}</mark>,
  );
};
