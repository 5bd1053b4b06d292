/** A stage as the service works with it: every default filled in, durations in milliseconds. */
export type StageDefinition = {
  name: string;
  title: string | null;
  program: { argv: string[] } | { module: string };
  /** May contain `${…}`; inserted when the stage is entered. */
  with: Record<string, unknown>;
  cwd: string | null;
  env: Record<string, string>;
  timeoutMs: number;
  heartbeatMs: number | null;
  graceMs: number;
  retry: {
    limit: number;
    initialMs: number;
    factor: number;
    maxMs: number;
    jitter: number;
    neverOn: { exitCodes: number[]; codes: string[] };
  };
  files: { path: string; min: number }[];
  onRestart: 'retry' | 'fail';
};

export type ParamDefinition = {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  format?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  items?: { type: 'string' | 'number' | 'integer' | 'boolean' };
  default?: unknown;
};

export type PipelineDefinition = {
  name: string;
  title: string;
  timezone: string;
  params: Record<string, ParamDefinition>;
  concurrency: { key: string; limit: number; onConflict: 'refuse' };
  timeoutMs: number | null;
  env: Record<string, string>;
  /** Names of variables of the service that stages get and nobody sees. Absent in definitions that were stored before. */
  secrets?: string[];
  stages: StageDefinition[];
};
