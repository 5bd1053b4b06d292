import { useNow } from '../live/use-live.ts';
import { counted, duration, fullTime, moment, relative } from './time.ts';

/** A moment: short on the page, whole with its zone on hover. */
export const At = ({ iso, as = 'moment' }: { iso: string; as?: 'moment' | 'relative' }) => {
  const ms = Date.parse(iso);
  const now = useNow(as === 'relative') ?? Date.now();
  return (
    <time dateTime={iso} title={fullTime(ms)}>
      {as === 'relative' ? relative(ms, now) : moment(ms, now)}
    </time>
  );
};

/**
 * How long something took, or takes by now. Without a live connection nobody knows the latter: a
 * dash.
 */
export const Elapsed = ({ since, until }: { since: string; until: string | null }) => {
  const now = useNow(until === null);
  const from = Date.parse(since);
  if (until !== null) return <span className="figure">{duration(Date.parse(until) - from)}</span>;
  return <span className="figure">{now === null ? '–' : counted(now - from)}</span>;
};

/** Counts down to a moment; at zero it says so instead of going on below. */
export const Countdown = ({ to, over = 'now' }: { to: string; over?: string }) => {
  const now = useNow();
  const left = Date.parse(to) - (now ?? 0);
  return <span className="figure">{now === null ? '–' : left < 1000 ? over : counted(left)}</span>;
};
