import type { LintFinding, ScheduleFacts } from '../../definition/finding.ts';
import { lint } from '../../definition/lint/lint.ts';
import type { LoadedPipeline } from './pipelines.ts';

/** What of the time to stop is left to the stages; the rest is for the service itself. */
export const shutdownGraceMs = (shutdownTimeoutMs: number): number => shutdownTimeoutMs / 2;

/** What the file alone does not tell. */
export type LintFacts = {
  shutdownTimeoutMs: number;
  schedules: ScheduleFacts[];
  /** The channels of the service that would tell; absent where there is none. */
  channels?: readonly string[];
};

/** What may go wrong with a pipeline of a file, each finding with its line. */
export const lintOf = (
  { definition, text }: LoadedPipeline,
  { shutdownTimeoutMs, schedules, channels }: LintFacts,
): LintFinding[] =>
  lint(definition, {
    isWritten: text.has,
    schedules,
    shutdownGraceMs: shutdownGraceMs(shutdownTimeoutMs),
    channels: channels ?? null,
  }).map((finding) => ({
    ...finding,
    line: text.line(finding.pointer),
  }));

/** A finding as one line of a log. */
export const lintLine = (file: string, { code, line, detail, advice }: LintFinding): string =>
  `${file}${line === null ? '' : `:${line}`}: ${detail}; ${advice} (${code})`;
