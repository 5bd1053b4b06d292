import type { AttemptRequest } from './contract.ts';

type Places = Pick<AttemptRequest, 'projectDir' | 'workspace'>;

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
/** A whole path and no part of a longer name, also as a URL. */
const pathPattern = (path: string): RegExp =>
  new RegExp(`(?:file://|(?<![\\w./-]))${escaped(path)}(/|(?![\\w-]|\\.\\w))`, 'g');

/**
 * A text as it may be told to anybody: files of the project are named from its folder, those of the
 * run from its workspace, and nothing is said of where they lie on this host.
 */
export const withLocalPaths = (text: string, { projectDir, workspace }: Places): string =>
  [
    [workspace, '$STAGEWRIGHT_WORKSPACE'] as const,
    // The workspace first: it may lie in the project.
    [projectDir, ''] as const,
  ].reduce(
    (rest, [path, name]) =>
      path === '/'
        ? rest
        : rest.replaceAll(pathPattern(path), (_, slash: string) =>
            name === '' ? (slash === '' ? '.' : '') : name + slash,
          ),
    text,
  );

/** The same of a failure's message; `stderr_tail` is the program's own words. */
export const withLocalMessage = <T extends { message: string }>(failure: T, places: Places): T => ({
  ...failure,
  message: withLocalPaths(failure.message, places),
});
