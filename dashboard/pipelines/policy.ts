import type { Operations } from '../../client/operations.ts';
import { type Condition, conditionWords } from '../../definition/condition.ts';
import { plural } from '../ui/state-words.ts';
import { duration } from '../ui/time.ts';

type PipelineDetail = Operations['GET /api/pipelines/{name}']['answer'];
export type Definition = PipelineDetail['definition'];
export type StageDetail = Definition['stages'][number];
export type Finding = PipelineDetail['lint'][number];
type Retry = Pick<StageDetail['retry'], 'limit' | 'backoff'>;
type Failures = StageDetail['retry']['never_on'];

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
const isShell = ([program = '', flag]: readonly string[]): boolean =>
  /(^|\/)(ba|da|z)?sh$/.test(program) && flag === '-c';

/** A stage's program as one would type it; a script that a shell is given stands by itself. */
export const programOf = ({
  run,
  script,
  program,
}: StageDetail): { program: string; script: string | null } => {
  if (script !== null) return { program: `${script.shell} -eu`, script: script.text.trimEnd() };
  if (run === null) return { program, script: null };
  if (!isShell(run)) return { program: run.map(quoted).join(' '), script: null };
  return { program: run.slice(0, 2).join(' '), script: (run[2] ?? '').trimEnd() };
};

const even = (ms: number): string =>
  duration(ms)
    .replace(/\.0 s$/, ' s')
    .replace(/ 00 (min|s)$/, '');

/** When a stage is tried again, in words. */
const retryWords = ({ limit, backoff }: Retry): string => {
  if (limit === 0) return 'not tried again';
  const first = even(backoff.initial_ms);
  if (limit === 1) return `tried once more, after ${first}`;
  const grows =
    backoff.factor > 1 ? `, then ×${backoff.factor} up to ${even(backoff.max_ms)}` : ' each';
  return `${plural(limit, 'retry', 'retries')}: after ${first}${grows}`;
};

const failureWords = ({ exit_codes, codes, signals }: Failures): string =>
  [...exit_codes.map((code) => `exit ${code}`), ...codes, ...signals].join(', ');

const restarts: Record<string, string> = { retry: 'goes on with a new attempt', fail: 'fails' };
const size = (bytes: number): string =>
  bytes % 2 ** 30 === 0
    ? `${bytes / 2 ** 30} GiB`
    : bytes < 2 ** 20
      ? `${Math.ceil(bytes / 1024)} KiB`
      : `${Math.round(bytes / 2 ** 20).toLocaleString()} MiB`;

const approvalRows = (
  { when }: StageDetail,
  { message, deadline_ms, default: word }: NonNullable<StageDetail['approval']>,
): [string, string][] => [
  ['Asks', message],
  [
    'Waits',
    deadline_ms === null ? 'for as long as it takes' : `${even(deadline_ms)}, then ${word}`,
  ],
  ...(when === null
    ? []
    : [['Runs only when', conditionWords(when as Condition)] satisfies [string, string]]),
];

/** Every limit of a stage, name and value; what is not limited is not said. */
export const limitsOf = (stage: StageDetail): [string, string][] => {
  const never = failureWords(stage.retry.never_on);
  // A request has no process that these could limit.
  const hasProcess = stage.http === null && stage.approval === null;
  if (stage.approval !== null) return approvalRows(stage, stage.approval);
  const rows: [string, string | false | null][] = [
    ['An attempt may take', even(stage.timeout_ms)],
    ['All attempts together', stage.total_timeout_ms !== null && even(stage.total_timeout_ms)],
    ['Is said to be late after', stage.warn_after_ms !== null && even(stage.warn_after_ms)],
    ['Again', retryWords(stage.retry)],
    ...stage.retry.classes.map(({ on, ...retry }): [string, string] => [
      `After ${failureWords(on)}`,
      retryWords(retry),
    ]),
    ['Never again on', never],
    ['At worst', even(stage.worst_case_ms)],
    ['Must give a sign every', stage.heartbeat_ms !== null && even(stage.heartbeat_ms)],
    ['To end by itself on stop', hasProcess && even(stage.grace_ms)],
    ['Must leave', stage.files.map(({ path, min }) => `${path} (${min} or more)`).join(', ')],
    ['Memory', stage.limits.memory_bytes !== null && size(stage.limits.memory_bytes)],
    ['Output', hasProcess && stage.limits.output_bytes !== null && size(stage.limits.output_bytes)],
    ['Answers with', stage.http !== null && (stage.http.expect.status?.join(', ') ?? 'any 2xx')],
    [
      'Follows redirects',
      stage.http !== null &&
        { none: null, 'same-host': 'on the same host', any: 'to any host' }[stage.http.redirect],
    ],
    ['Largest answer', stage.http !== null && size(stage.http.max_body_bytes)],
    ['Runs only when', stage.when !== null && conditionWords(stage.when as Condition)],
    ['When it fails', stage.allow_failure && 'the run goes on, done in part'],
    ['When the service is lost', restarts[stage.on_restart] ?? stage.on_restart],
    ['Environment', stage.env.join(', ')],
    ['Environment from', stage.env_file.join(', ')],
  ];
  return rows.filter((row): row is [string, string] => Boolean(row[1]));
};
export const evenly = even;
