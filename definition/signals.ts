/** By number, as Linux has them on x86 and ARM (signal(7)); those that end a program. */
const names: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  16: 'SIGSTKFLT',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  26: 'SIGVTALRM',
  27: 'SIGPROF',
  29: 'SIGIO',
  30: 'SIGPWR',
  31: 'SIGSYS',
};

/**
 * The signal that a shell means by its exit code: 128 and the number of the one that ended what it
 * ran (POSIX, 2.8.2). @returns null when it means none
 */
export const signalOfExit = (exitCode: number): { number: number; name: string } | null => {
  const name = names[exitCode - 128];
  return name === undefined ? null : { number: exitCode - 128, name };
};
