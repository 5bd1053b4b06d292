import type { IconName } from '../ui/icon.tsx';

type Words = {
  label: string;
  icon: IconName;
  /** What it does, in the present tense, for whoever is about to press it. */
  does: string;
  isDanger?: boolean;
  /** Done at once: it loses nothing and can be undone. */
  isDirect?: boolean;
  needsReason?: boolean;
  said: string;
};
const words: Record<string, Words> = {
  STOP: {
    label: 'Stop',
    icon: 'stop',
    isDanger: true,
    said: 'Stop was accepted',
    does: 'The stage that works is asked to end, then made to; the run becomes STOPPED when its last process is gone. It cannot go on afterwards.',
  },
  STOP_NOW: {
    label: 'Stop now',
    icon: 'stop',
    isDanger: true,
    said: 'Its processes are killed',
    does: 'The processes are killed at once, without what is left of the time they were given to end by themselves.',
  },
  RETRY_NOW: {
    label: 'Retry now',
    icon: 'retry',
    does: 'The waiting time is cut short.',
    isDirect: true,
    said: 'The retry begins now',
  },
  RETRY_FROM: {
    label: 'Retry',
    icon: 'retry',
    said: 'A new run goes on from there',
    does: 'A new run begins at the stage that failed. Stages that succeeded before it are not done again; their results are reused.',
  },
  SKIP_STAGE: {
    label: 'Skip stage',
    icon: 'skip',
    isDanger: true,
    needsReason: true,
    said: 'The stage is skipped',
    does: 'The stage is not done; the run goes on with the next one. The skip is recorded with your reason.',
  },
  PAUSE: {
    label: 'Pause',
    icon: 'pause',
    does: 'The run pauses before its next stage.',
    isDirect: true,
    said: 'The run pauses after this stage',
  },
  RESUME: {
    label: 'Resume',
    icon: 'start',
    does: 'The run goes on.',
    isDirect: true,
    said: 'The run goes on',
  },
  APPROVE: {
    label: 'Approve',
    icon: 'check',
    does: 'The run goes on with the next stage.',
    said: 'Approved',
  },
  REJECT: {
    label: 'Reject',
    icon: 'close',
    isDanger: true,
    needsReason: true,
    said: 'Rejected',
    does: 'The run ends as FAILED, rejected, with your reason.',
  },
};

const sentence = (type: string): string =>
  type.charAt(0) + type.slice(1).toLowerCase().replaceAll('_', ' ');
/**
 * How a command is called and what it does; a command that this page does not know yet keeps its
 * name.
 */
export const wordsOf = (type: string): Words =>
  words[type] ?? {
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

/** The one to press first, of those that are possible. */
const order = ['APPROVE', 'RETRY_NOW', 'RESUME', 'RETRY_FROM', 'STOP'];
export const firstOf = (allowed: readonly string[]): string | null =>
  order.find((type) => allowed.includes(type)) ?? null;
