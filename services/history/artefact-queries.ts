import type { FileHandle } from 'node:fs/promises';
import type { Attempt } from '../../wire/attempts.ts';
import type { Artefact } from '../../wire/run-answers.ts';

/** An open artefact; whoever asked for it closes it. */
type OpenArtefact = { name: string; bytes: number; contentType: string; file: FileHandle };

export type ArtefactQueries = {
  /** What the run left for people, by name; `attempts` tell which stage it was. */
  artefacts(runId: string, attempts: Attempt[]): Promise<Artefact[]>;
  /** @throws starting, unknown-run, unknown-artefact */
  openArtefact(runId: string, name: string): Promise<OpenArtefact>;
};
