import { clockTime, fullTime, zoned } from './time.ts';

const special = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|`[^`]+`/;

/**
 * A sentence of the service, with its instants on the reader's clock, or on that of the zone it
 * speaks of, and its names as such.
 */
export const Why = ({ text, zone }: { text: string; zone?: string }) => {
  const found = special.exec(text);
  if (!found) return <>{text}</>;
  const [word] = found;
  const ms = Date.parse(word);
  return (
    <>
      {text.slice(0, found.index)}
      {word.startsWith('`') ? (
        <code>{word.slice(1, -1)}</code>
      ) : (
        <time dateTime={word} title={fullTime(ms)}>
          {zone === undefined ? clockTime(ms) : zoned(ms, zone)}
        </time>
      )}
      <Why text={text.slice(found.index + word.length)} {...(zone !== undefined && { zone })} />
    </>
  );
};
