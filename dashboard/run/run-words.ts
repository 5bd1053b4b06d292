import { clockTime } from '../ui/time.ts';

/**
 * `running.analyzer.backingOff` as people read it: what every stage is in need not be said. Of states
 * beside each other, each by its stage; `others` are those that need not be said again.
 */
export const short = (place: string, others = ''): string => {
  const all = place.split(' ');
  const known = others.split(' ');
  const news = all.length > 1 ? all.filter((path) => !known.includes(path)) : all;
  return (news.length > 0 ? news : all)
    .map((path) => {
      const parts = path.split('.');
      return parts.slice(all.length > 1 ? 2 : parts.length > 2 ? 1 : 0).join(' › ');
    })
    .join(', ');
};

/** `xstate.error.actor.attempt-analyzer` as people read it. */
export const eventWord = (type: string): string => {
  const after = /^xstate\.after\.([^.]+)\./.exec(type);
  if (after) return `after ${after[1]}`;
  const actor = /^xstate\.(done|error)\.(?:actor|state)\.(.+)$/.exec(type);
  return actor ? `${actor[2]} ${actor[1] === 'done' ? 'done' : 'failed'}` : type;
};

/** The service says instants in UTC; a person reads them on the clock of the page. */
export const localized = (text: string): string =>
  text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (iso) => clockTime(Date.parse(iso)));
