/** An invalid pipeline file, as shown to the person who has to fix it. */
export type PipelineProblem = {
  file: string;
  line: number | null;
  pointer: string;
  code: string;
  detail: string;
};

export type ReloadReport = {
  added: string[];
  changed: string[];
  removed: string[];
  /** Pipelines whose file is invalid now: what it said before stays in force. */
  kept: string[];
  problems: PipelineProblem[];
};
