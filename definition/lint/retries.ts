import type { StageDefinition } from '../definition.ts';
import { durationText } from '../duration.ts';
import { type Finding, found } from '../finding.ts';
import type { Backoff, FailureMatch } from '../stage-retry.ts';
import type { Judge } from './judge.ts';
import { leastWaitMs } from './worst-case.ts';

export const retryFindings: Judge = (stage, at, { timeoutMs: runTimeoutMs }) => {
  const { name, retry } = stage;
  if (retry.limit === 0) return [];
  return [
    ...backoffFindings(name, `${at}/retry/backoff`, retry, retry.limit),
    ...(retry.classes ?? []).flatMap((one, index) =>
      backoffFindings(name, `${at}/retry/classes/${index}/backoff`, one, one.limit),
    ),
    ...reachFindings(stage, `${at}/retry/limit`, runTimeoutMs),
    ...classFindings(stage, `${at}/retry/classes`),
  ];
};

const backoffFindings = (
  name: string,
  at: string,
  { initialMs, maxMs }: Backoff,
  limit: number,
): Finding[] => {
  const [initial, max] = [initialMs, maxMs].map(durationText);
  const findings: Finding[] = [];
  if (maxMs < initialMs) {
    const detail = `every wait of ${name} is ${max}: max is below initial, ${initial}`;
    findings.push(
      found('backoff-max-below-initial', `${at}/max`, detail, 'raise max, or lower initial'),
    );
  }
  if (limit >= 2 && Math.min(initialMs, maxMs) === 0) {
    const detail = `${name} is tried ${limit} times more without a wait between; what was not there is not there yet`;
    findings.push(
      found(
        'retries-without-wait',
        at,
        detail,
        'wait a second at least, with backoff: { initial: 1s }',
      ),
    );
  }
  return findings;
};

/** A limit around all attempts that is over before the waits between them are. */
const reachFindings = (
  stage: StageDefinition,
  at: string,
  runTimeoutMs: number | null,
): Finding[] => {
  const total = stage.totalTimeoutMs;
  const isTotal = total !== null && (runTimeoutMs === null || total <= runTimeoutMs);
  const limitMs = isTotal ? total : runTimeoutMs;
  if (limitMs === null) return [];
  for (let n = 1; n <= stage.retry.limit; n += 1) {
    const waits = leastWaitMs(stage, n);
    if (waits < limitMs) continue;
    const detail =
      `retry ${n} of ${stage.retry.limit} of ${stage.name} never comes: the waits before it take at least ${durationText(waits)}, ` +
      `and ${isTotal ? 'total_timeout' : 'the timeout of the run'} is ${durationText(limitMs)}`;
    return [
      found(
        'retry-never-reached',
        at,
        detail,
        'allow fewer retries, wait less between them, or allow more time',
      ),
    ];
  }
  return [];
};

const wordsOf = ({ exitCodes, codes, signals = [] }: FailureMatch): string[] => [
  ...exitCodes.map((code) => `exit code ${code}`),
  ...codes,
  ...signals,
];
/** These end the run, or are nobody's failure: no attempt follows by a retry. */
const neverJudged = ['interrupted', 'stage-timeout', 'run-timeout'];

/**
 * A class is judged in its turn: what `never_on` or an earlier class has taken does not come to it.
 */
const classFindings = ({ retry }: StageDefinition, at: string): Finding[] => {
  const taken = new Map(neverJudged.map((word) => [word, 'is never retried']));
  for (const word of wordsOf(retry.neverOn)) taken.set(word, 'is in never_on');
  return (retry.classes ?? []).flatMap(({ on }, index) => {
    const words = wordsOf(on);
    const detail = `no failure belongs to this class: ${words.map((word) => `${word} ${taken.get(word)}`).join(', ')}`;
    const isUnused = words.every((word) => taken.has(word));
    for (const word of words) if (!taken.has(word)) taken.set(word, `belongs to an earlier class`);
    return isUnused
      ? [
          found(
            'class-never-used',
            `${at}/${index}`,
            detail,
            'take it out, or put it before what stands in its way',
          ),
        ]
      : [];
  });
};
