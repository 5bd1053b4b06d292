import { join } from 'node:path';

/** The run whose workspace a run works in: a retry goes on in that of the run it retries. */
export const workspaceOwner = (run: { runId: string; metadata: Record<string, unknown> }): string =>
  (run.metadata.workspace_of as string | undefined) ?? run.runId;
/** All that a run keeps below the data directory; retention removes it whole. */
export const runDirOf = (dataDir: string, runId: string): string => join(dataDir, 'runs', runId);
/**
 * Where a run keeps its files below the data directory. Names come from validated ids, never from a
 * request's path.
 */
export const workspaceOf = (dataDir: string, runId: string): string =>
  join(dataDir, 'runs', runId, 'workspace');
export const attemptDirOf = (
  dataDir: string,
  runId: string,
  stage: string,
  attempt: number,
): string => join(dataDir, 'runs', runId, stage, String(attempt));
