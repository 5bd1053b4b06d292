/** A pipeline file that does not hold: what the person sees who has to mend it. */
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
  /** Pipelines whose file does not hold now: what it said before stays in force. */
  kept: string[];
  problems: PipelineProblem[];
};
