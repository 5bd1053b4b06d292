import type { z } from 'zod';
import type { Finding } from '../finding.ts';
import type { FieldName, StageFields } from '../stage-fields.ts';

type Path = (string | number)[];
/** Something of a program that `${…}` may stand in, and its place below the stage. */
export type Part = {
  path: Path;
  value: unknown;
  /** `${secrets.NAME}` may stand there: nobody sees it, and it is written down nowhere. */
  takesSecrets?: boolean;
};
/** What cannot hold in any run, found when the file is loaded. */
type KindProblem = { path: Path; code: 'invalid' | 'param-in-shell'; detail: string };

/** All that checks and readers of a definition must know of one kind of stage. */
export type KindRules<Program> = {
  /** Its word in the pipeline file, and in the API. */
  key: string;
  /** In a few words, for lists. */
  describe(program: Program): string;
  parts(program: Program): Part[];
  /** Nothing is inserted into it: `${…}` in it means something else. */
  isVerbatim?: boolean;
  problems(program: Program): KindProblem[];
  /** What may go wrong; `at` is the pointer to the stage. */
  lint(stage: StageFields & { name: string; program: Program }, at: string): Finding[];
  /** Fields without a meaning for it: written down, they are refused. */
  refuses: FieldName[];
};
/** One kind of stage, and how it stands in the file and in the API. */
export type Kind<
  Program,
  Key extends string = string,
  Written extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> = KindRules<Program> & {
  key: Key;
  /** What may stand there. */
  written: Written;
  fromFile(written: z.output<Written>): Program;
  /** What the API shows there. */
  answer: Answer;
  view(program: Program): z.output<Answer>;
};
/** Keeps the types of a kind. */
export const stageKind = <
  Program,
  const Key extends string,
  Written extends z.ZodType,
  Answer extends z.ZodType,
>(
  kind: Kind<Program, Key, Written, Answer>,
) => kind;
