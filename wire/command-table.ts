import type { Role } from './role.ts';

/** Options of the command line that fill in a command. */
export type CommandOption = 'now' | 'stage' | 'latest' | 'outputs' | 'reason' | 'wait';

type CommandFacts = {
  /** Who may give it. */
  role: Role;
  label: string;
  icon: string;
  /** What it does, in the present tense, for whoever is about to press it. */
  does: string;
  /** What is said once it was accepted. */
  said: string;
  isDanger?: true;
  /** Done at once: it loses nothing and can be undone. */
  isDirect?: true;
  needsReason?: true;
  /** The one to press first, of those that are possible, has the lowest; null = never offered so. */
  rank: number | null;
  /** A run that is live, or one that has ended. */
  of: 'live' | 'ended';
  /** Commands of the same verb differ in `of`. */
  verb: { name: string; options: readonly CommandOption[]; help: string };
};

/**
 * The commands of a run as those meet them who give them: API, command line and dashboard. What each
 * is to the run stands in machines/commands.ts; one that is missing there does not compile.
 */
export const commandTable = {
  STOP: {
    role: 'operate',
    label: 'Stop',
    icon: 'stop',
    does: 'The stage that works is asked to end, then made to; the run becomes STOPPED when its last process is gone. It cannot go on afterwards.',
    said: 'Stop was accepted',
    isDanger: true,
    rank: 4,
    of: 'live',
    verb: {
      name: 'stop',
      options: ['now', 'reason'],
      help: 'stop the live run; with --now its processes are killed at once, also when it stops already',
    },
  },
  RETRY_NOW: {
    role: 'operate',
    label: 'Retry now',
    icon: 'retry',
    does: 'The waiting time is cut short.',
    said: 'The retry begins now',
    isDirect: true,
    rank: 1,
    of: 'live',
    verb: {
      name: 'retry',
      options: ['stage', 'reason', 'wait'],
      help: 'try again at once; --stage where several wait for it',
    },
  },
  RETRY_FROM: {
    role: 'operate',
    label: 'Retry',
    icon: 'retry',
    does: 'A new run begins at the stage that failed. Stages that succeeded before it are not done again; their results are reused.',
    said: 'A new run goes on from there',
    rank: 3,
    of: 'ended',
    verb: {
      name: 'retry',
      options: ['stage', 'latest', 'reason', 'wait'],
      help: 'of a run that has ended: a new run from the failed stage, or --stage, with --latest by the file of today',
    },
  },
  SKIP_STAGE: {
    role: 'operate',
    label: 'Skip stage',
    icon: 'skip',
    does: 'The stage is not done; the run goes on with the next one. The skip is recorded with your reason.',
    said: 'The stage is skipped',
    isDanger: true,
    needsReason: true,
    rank: null,
    of: 'live',
    verb: {
      name: 'skip',
      options: ['stage', 'outputs', 'reason'],
      help: 'the current stage is over; --outputs where a later stage needs them',
    },
  },
  APPROVE: {
    role: 'operate',
    label: 'Approve',
    icon: 'check',
    does: 'The run goes on with its next stage. Your name and your reason are recorded.',
    said: 'The stage is approved',
    needsReason: true,
    rank: 0,
    of: 'live',
    verb: {
      name: 'approve',
      options: ['stage', 'reason'],
      help: 'let a run go on that waits for approval; --reason says why',
    },
  },
  REJECT: {
    role: 'operate',
    label: 'Reject',
    icon: 'close',
    does: 'The run fails here with the outcome rejected. Your name and your reason are recorded.',
    said: 'The stage is rejected',
    isDanger: true,
    needsReason: true,
    rank: null,
    of: 'live',
    verb: {
      name: 'reject',
      options: ['stage', 'reason'],
      help: 'do not let it go on: the run fails, with the outcome rejected',
    },
  },
  PAUSE: {
    role: 'operate',
    label: 'Pause',
    icon: 'pause',
    does: 'The run pauses before its next stage.',
    said: 'The run pauses after this stage',
    isDirect: true,
    rank: null,
    of: 'live',
    verb: {
      name: 'pause',
      options: ['reason'],
      help: 'hold the run after its stage, or instead of its next attempt',
    },
  },
  RESUME: {
    role: 'operate',
    label: 'Resume',
    icon: 'start',
    does: 'The run goes on.',
    said: 'The run goes on',
    isDirect: true,
    rank: 2,
    of: 'live',
    verb: { name: 'resume', options: ['reason'], help: 'go on' },
  },
} as const satisfies Record<string, CommandFacts>;

export type CommandType = keyof typeof commandTable;
export const commandTypes = Object.keys(commandTable) as CommandType[];
