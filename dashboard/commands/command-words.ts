import { type CommandType, commandTable, commandTypes } from '../../wire/command-table.ts';
import type { IconName } from '../ui/icon.tsx';

/** Also a plain stop meant at once, which is a button of its own here. */
type PageCommand = CommandType | 'STOP_NOW';
type Words = {
  label: string;
  icon: IconName;
  does: string;
  said: string;
  isDanger?: true;
  isDirect?: true;
  needsReason?: true;
};
const words: Record<PageCommand, Words> = {
  ...commandTable,
  STOP_NOW: {
    label: 'Stop now',
    icon: 'stop',
    does: 'The processes are killed at once, without what is left of the time they were given to end by themselves.',
    said: 'Its processes are killed',
    isDanger: true,
  },
};
const isKnown = (type: string): type is PageCommand => Object.hasOwn(words, type);

const sentence = (type: string): string =>
  type.charAt(0) + type.slice(1).toLowerCase().replaceAll('_', ' ');
/**
 * How a command is called and what it does; a command that this page does not know yet keeps its
 * name.
 */
export const wordsOf = (type: string): Words =>
  isKnown(type)
    ? words[type]
    : {
        label: sentence(type),
        icon: 'right',
        does: 'The service knows this command; this page does not.',
        said: 'Accepted',
      };

/** A plain stop of a run that stops already would change nothing: there it means at once. */
export const meantIn = (state: string, type: string): string =>
  type === 'STOP' && state === 'STOPPING' ? 'STOP_NOW' : type;
/** What is sent for a command of this page. */
export const bodyOf = (type: string): { type: string; grace_ms?: number } =>
  type === 'STOP_NOW' ? { type: 'STOP', grace_ms: 0 } : { type };

const offered = commandTypes
  .filter((type) => commandTable[type].rank !== null)
  .sort((a, b) => Number(commandTable[a].rank) - Number(commandTable[b].rank));
/** The one to press first, of those that are possible. */
export const firstOf = (allowed: readonly string[]): string | null =>
  offered.find((type) => allowed.includes(type)) ?? null;

/** As long as the API takes it. */
export const maxReason = 1000;
