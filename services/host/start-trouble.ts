/**
 * The service cannot start, and not by a mistake of ours: what is wrong with which file, and what
 * to do about it. One sentence for a person; no stack.
 */
export class StartTrouble extends Error {
  readonly problem: string;
  readonly todo: string;
  constructor(problem: string, todo: string) {
    super(`${problem}: ${todo}`);
    this.problem = problem;
    this.todo = todo;
  }
}

const elsewhere = 'or name another folder with --data-dir';
type Cause = [problem: string, todo: string];
const full: Cause = ['no space is left on its disk', `make room there, ${elsewhere}`];
const forbidden: Cause = ['this user may not', `start as the owner of the folder, ${elsewhere}`];
const readOnly: Cause = ['it may only be read', `make it writable, ${elsewhere}`];
const held: Cause = ['another program holds it', 'end that program, and start again'];
const broken: Cause = ['the disk does not answer (I/O error)', `look after the disk, ${elsewhere}`];
const noFolder: Cause = ['a folder on the way to it is none', 'name a folder with --data-dir'];

/** What the system says, by the codes of errno(3). */
const byErrno: Record<string, Cause> = {
  ENOSPC: full,
  EDQUOT: full,
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: readOnly,
  EIO: broken,
  ENOTDIR: noFolder,
  EEXIST: noFolder,
  ENOENT: noFolder,
  ELOOP: noFolder,
  ENAMETOOLONG: ['its name is too long', 'name another folder with --data-dir'],
  EISDIR: ['a folder stands in its place', 'move that away, and start again'],
  EFBIG: [
    'it would be larger than its file system or this user may make it',
    'raise the limit (ulimit -f), or name a file elsewhere',
  ],
  EMFILE: ['too many files are open', 'raise the limit (ulimit -n), and start again'],
  ENFILE: ['too many files are open', 'close other programs, and start again'],
};
/** Primary result codes (sqlite.org/rescode.html). */
const bySqlite: Record<number, Cause> = {
  3: forbidden,
  5: held,
  6: held,
  8: readOnly,
  10: broken,
  13: full,
  14: ['it cannot be opened', `see who owns it and its folder, ${elsewhere}`],
};
const restore = 'put back a copy that is whole';
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damages = [11, 26];

/** @param path the file it is about, where the error names none; null = a mistake of ours */
export const startTroubleOf = (error: unknown, path: string): StartTrouble | null => {
  if (error instanceof StartTrouble) return error;
  const found = error as { code?: unknown; path?: unknown; errcode?: unknown; cause?: unknown };
  const place = typeof found?.path === 'string' ? found.path : path;
  if (typeof found?.errcode === 'number') {
    const code = found.errcode & 0xff;
    if (damages.includes(code)) return new StartTrouble(`${place} is damaged`, restore);
    const cause = bySqlite[code];
    return cause ? new StartTrouble(`${place} cannot be used, ${cause[0]}`, cause[1]) : null;
  }
  const cause = typeof found?.code === 'string' ? byErrno[found.code] : undefined;
  if (cause) return new StartTrouble(`${place} cannot be used, ${cause[0]}`, cause[1]);
  return found?.cause === undefined ? null : startTroubleOf(found.cause, path);
};

/** Runs a step of the start. @throws StartTrouble in the place of what the system says */
export const started = <T>(path: string, step: () => T): T => {
  try {
    return step();
  } catch (error) {
    throw startTroubleOf(error, path) ?? error;
  }
};
