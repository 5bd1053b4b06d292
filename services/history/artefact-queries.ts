import type { FileHandle } from 'node:fs/promises';
import type { Attempt } from '../../wire/attempts.ts';
/**
 * A file that a stage left for people in `artefacts/` of its run's workspace. `stage`: the one that
 * was at work then, if only one was.
 */
export type Artefact = {
  name: string;
  bytes: number;
  content_type: string;
  stage: string | null;
  at: string;
};

/** An open artefact; whoever asked for it closes it. */
export type OpenArtefact = { name: string; bytes: number; contentType: string; file: FileHandle };

export type ArtefactQueries = {
  /** What the run left for people, by name; `attempts` tell which stage it was. */
  artefacts(runId: string, attempts: Attempt[]): Promise<Artefact[]>;
  /** @throws starting, unknown-run, unknown-artefact */
  openArtefact(runId: string, name: string): Promise<OpenArtefact>;
};
