import type { Operations } from '../../client/operations.ts';
import { duration } from '../ui/time.ts';
import { plural } from '../ui/words.ts';

export type PipelineDetail = Operations['GET /api/pipelines/{name}']['answer'];
export type StageDetail = PipelineDetail['stages'][number];

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
const isShell = ([program = '', flag]: readonly string[]): boolean => /(^|\/)(ba|da|z)?sh$/.test(program) && flag === '-c';

/** A stage's program as one would type it; a script that a shell is given stands by itself. */
export const programOf = ({ run, uses }: StageDetail): { program: string; script: string | null } => {
  if (uses !== null) return { program: uses, script: null };
  const words = run ?? [];
  if (!isShell(words)) return { program: words.map(quoted).join(' '), script: null };
  return { program: words.slice(0, 2).join(' '), script: (words[2] ?? '').trimEnd() };
};

const even = (ms: number): string =>
  duration(ms)
    .replace(/\.0 s$/, ' s')
    .replace(/ 00 (min|s)$/, '');

/** When a stage is tried again, in words. */
const retryWords = ({ retry }: StageDetail): string => {
  if (retry.limit === 0) return 'not tried again';
  const first = even(retry.initial_ms);
  if (retry.limit === 1) return `tried once more, after ${first}`;
  const grows = retry.factor > 1 ? `, then ×${retry.factor} up to ${even(retry.max_ms)}` : ' each';
  return `${plural(retry.limit, 'retry', 'retries')}: after ${first}${grows}`;
};

/** Every limit of a stage, name and value. */
export const limitsOf = (stage: StageDetail): [string, string][] => {
  const { exit_codes, codes } = stage.retry.never_on;
  const never = [...exit_codes.map((code) => `exit ${code}`), ...codes];
  return [
    ['An attempt may take', even(stage.timeout_ms)],
    ['Again', retryWords(stage)],
    ...(never.length > 0 ? [['Never again on', never.join(', ')] as [string, string]] : []),
    ...(stage.heartbeat_ms === null ? [] : [['Must give a sign every', even(stage.heartbeat_ms)] as [string, string]]),
    ['To end by itself on stop', even(stage.grace_ms)],
    ...(stage.files.length === 0
      ? []
      : [['Must leave', stage.files.map(({ path, min }) => `${path} (${min} or more)`).join(', ')] as [string, string]]),
    [
      'When the service is lost',
      stage.on_restart === 'retry' ? 'goes on with a new attempt' : stage.on_restart === 'fail' ? 'fails' : stage.on_restart,
    ],
    ...(stage.env.length > 0 ? [['Environment', stage.env.join(', ')] as [string, string]] : []),
  ];
};
export const evenly = even;
