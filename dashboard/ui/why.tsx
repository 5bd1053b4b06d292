import { clockTime, fullTime } from './time.ts';

const instant = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;

/** A sentence of the service, with its instants on the reader's clock. */
export const Why = ({ text }: { text: string }) => {
  const at = instant.exec(text);
  if (!at) return <>{text}</>;
  const ms = Date.parse(at[0]);
  return (
    <>
      {text.slice(0, at.index)}
      <time dateTime={at[0]} title={fullTime(ms)}>
        {clockTime(ms)}
      </time>
      <Why text={text.slice(at.index + at[0].length)} />
    </>
  );
};
