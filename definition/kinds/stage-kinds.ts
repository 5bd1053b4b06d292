import type { z } from 'zod';
import { approvalKind } from './approval-kind.ts';
import { httpKind } from './http-kind.ts';
import type { Kind, KindRules } from './kind-rules.ts';
import { moduleKind } from './module-kind.ts';
import { processKind } from './process-kind.ts';
import { scriptKind } from './script-kind.ts';

/** Every kind of stage; how each is run says `stages/kinds/kind-runners.ts`. */
export const stageKinds = {
  process: processKind,
  script: scriptKind,
  module: moduleKind,
  http: httpKind,
  approval: approvalKind,
};
type Kinds = typeof stageKinds;
export type StageKind = keyof Kinds;
/** What a stage runs. */
export type StageProgram = ReturnType<Kinds[StageKind]['fromFile']>;
export type ProgramOf<Kind extends StageKind> = Extract<StageProgram, { kind: Kind }>;

const entries = Object.entries(stageKinds) as [StageKind, Kind<StageProgram>][];
const gathered = <T>(of: [string, unknown][]): T => Object.fromEntries(of) as T;

/** The words of the file that say what a stage runs; a stage has exactly one of them. */
export const kindKeys: string[] = entries.map(([, { key }]) => key);

type KindShape = {
  [Kind in StageKind as Kinds[Kind]['key']]: z.ZodOptional<Kinds[Kind]['written']>;
};
type KindFields = {
  [Kind in StageKind as Kinds[Kind]['key']]?: z.output<Kinds[Kind]['written']> | undefined;
};
/** For `z.object`: the keys of the file. */
export const kindShape = gathered<KindShape>(
  entries.map(([, { key, written }]) => [key, written.optional()]),
);
export const programOfFile = (file: KindFields): StageProgram => {
  const written = new Map(Object.entries(file));
  const found = entries.find(([, { key }]) => written.get(key) !== undefined)?.[1];
  if (!found) throw new Error('a stage without a kind has passed the schema');
  return found.fromFile(written.get(found.key)) as StageProgram;
};

/** A program of a definition that was stored before programs said their kind. */
export const programOfStored = (stored: object): StageProgram =>
  'kind' in stored
    ? (stored as StageProgram)
    : gathered([['kind', 'argv' in stored ? 'process' : 'module'], ...Object.entries(stored)]);

export const rulesOf = ({ kind }: StageProgram): KindRules<StageProgram> => stageKinds[kind];

type KindAnswer = {
  [Kind in StageKind as Kinds[Kind]['key']]: z.ZodNullable<Kinds[Kind]['answer']>;
};
type KindView = {
  [Kind in StageKind as Kinds[Kind]['key']]: z.output<Kinds[Kind]['answer']> | null;
};
/** For `z.object`: the keys of the API, all but one of them null. */
export const kindAnswer = gathered<KindAnswer>(
  entries.map(([, { key, answer }]) => [key, answer.nullable()]),
);
export const kindView = (program: StageProgram): KindView =>
  gathered(
    entries.map(([kind, { key, view }]) => [key, kind === program.kind ? view(program) : null]),
  );
