/** What is known of one pipeline without a look at its runs. Instants are epoch milliseconds. */
export type PipelineFigures = {
  pipeline: string;
  /** When its latest run (not of one stage alone) ended, however; null = none has. */
  lastRunAt: number | null;
  /** When the latest of them ended with nothing left undone: success, or nothing to do. */
  lastSuccessAt: number | null;
  /** The newest slot that should have brought a run; null = none was due. */
  lastSlotAt: number | null;
  /** Failed runs in a row. */
  failures: number;
  isBlocked: boolean;
};
export type LiveCount = { pipeline: string; state: 'queued' | 'running'; count: number };

/** The part of the store that is asked by whoever watches from outside. */
export type FiguresStore = {
  /** Its work grows with pipelines, schedules and live runs, not with history. */
  figures(): Promise<{ pipelines: PipelineFigures[]; live: LiveCount[] }>;
};
