import { fullTime, here, zoned } from './time.ts';

/** A moment on the clocks of a zone, and on the reader's where those differ. */
export const ZonedTime = ({ iso, zone }: { iso: string; zone: string }) => {
  const ms = Date.parse(iso);
  const own = here(ms, zone);
  return (
    <span className="zoned">
      <time dateTime={iso} title={fullTime(ms)} className="figure">
        {zoned(ms, zone)}
      </time>{' '}
      {own !== null && <span className="muted">({own} for you)</span>}
    </span>
  );
};
