import { join } from 'node:path';

/** Where a run keeps its files below the data directory. Names come from validated ids, never from a request's path. */
export const workspaceOf = (dataDir: string, runId: string): string => join(dataDir, 'runs', runId, 'workspace');
export const attemptDirOf = (dataDir: string, runId: string, stage: string, attempt: number): string =>
  join(dataDir, 'runs', runId, stage, String(attempt));
