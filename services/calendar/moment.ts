import { hasZone, parseMoment } from '../../definition/schedule.ts';
import type { Zone } from './zone.ts';

/**
 * The instant of a time as people write it, where it has no zone of its own by the clocks of the
 * schedule's.
 */
export const instantOfMoment = (moment: string, zone: Zone): number =>
  hasZone(moment) ? parseMoment(moment) : zone.instantOf(parseMoment(moment));

/** `2027-03-14T03:00:00-05:00`: the local time with its distance from UTC. */
export const localText = (instant: number, zone: Zone): string => {
  const { offsetMs } = zone.spanAt(instant);
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const offset = `${offsetMs < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${new Date(instant + offsetMs).toISOString().slice(0, 19)}${offset}`;
};
/** `02:30`, or `02:30:15` where seconds matter. */
export const clockText = (local: number): string => {
  const text = new Date(local).toISOString().slice(11, 19);
  return text.endsWith(':00') ? text.slice(0, 5) : text;
};
export const dateText = (local: number): string => new Date(local).toISOString().slice(0, 10);
