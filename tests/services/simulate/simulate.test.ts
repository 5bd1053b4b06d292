import { worstCaseMs } from '../../../definition/lint/worst-case.ts';
import { type Happening, storySchema } from '../../../wire/simulation.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { simulated } from '../../support/simulated.ts';

const three = pipeline([
  stage('translator', { timeoutMs: 60_000 }),
  stage('analyzer', { ...retries(3), timeoutMs: 60_000, graceMs: 10_000 }),
  stage('merger', { timeoutMs: 60_000 }),
]);
const { tell } = simulated(three);
const fails = (times: number, code = 'exit-code'): Happening => ({
  what: 'fail',
  stage: 'analyzer',
  times,
  code,
});
const eventsOf = (story: Awaited<ReturnType<typeof tell>>, name: string) =>
  story.lines.filter(({ event }) => event === name).map(({ text }) => text);

test('fails twice, then the machine goes down at the last stage: it is retried twice and ends well, and nothing is done again', async () => {
  const story = await tell(fails(2), { what: 'reboot', stage: 'merger', attempt: 1 });
  expect(storySchema.parse(story)).toEqual(story);
  expect([story.state, story.attempts, story.broken]).toEqual([
    'DONE',
    { translator: 1, analyzer: 3, merger: 2 },
    null,
  ]);
  expect(story.replay).toBe('stagewright simulate sample --fail analyzer:2 --reboot-at merger');
  expect(eventsOf(story, 'happens')).toEqual(['the machine goes down', 'the service is back']);
  expect(eventsOf(story, 'lost')).toEqual([
    'attempt 1 of merger was lost: the service was gone while it was running',
  ]);
});

test('the same script tells the same story, line by line', async () => {
  const script: Happening[] = [
    fails(1),
    { what: 'crash-after', write: 9 },
    { what: 'slow-store', write: 4, ms: 5000 },
    { what: 'clock-step', write: 6, ms: -3_600_000 },
  ];
  expect(await tell(...script)).toEqual(await tell(...script));
});

test('a program that hears no SIGTERM is killed at the end of its grace, before anything else begins', async () => {
  const story = await tell(
    { what: 'hang', stage: 'analyzer', times: 1 },
    { what: 'deaf', stage: 'analyzer' },
  );
  const at = (text: string) => story.lines.find((line) => line.text.includes(text))?.at_ms ?? 0;
  // The limit, and the grace after it.
  expect(at('still working after its timeout') - at('attempt 1 of analyzer started')).toBe(70_000);
  expect([story.state, story.broken]).toEqual(['DONE', null]);
});

test('an answer that comes when nobody waits for it is stale, of an attempt that was given up and of one that has answered', async () => {
  const story = await tell(
    { what: 'hang', stage: 'analyzer', times: 1 },
    { what: 'late', stage: 'analyzer' },
  );
  expect(eventsOf(story, 'stale').length).toBe(2);
  expect([story.state, story.attempts.analyzer]).toEqual(['DONE', 2]);
});

test('STOP, a code that is never retried, and nothing to do', async () => {
  const stopped = await tell({ what: 'stop', stage: 'analyzer', attempt: 1 });
  expect([stopped.state, stopped.outcome]).toEqual(['STOPPED', 'stopped']);
  const never = simulated(
    pipeline([
      stage('analyzer', {
        retry: { ...retries(3).retry, neverOn: { exitCodes: [], codes: ['bad-input'] } },
      }),
    ]),
  );
  const failed = await never.tell(fails(1, 'bad-input'));
  expect([failed.state, failed.attempts, failed.error_code]).toEqual([
    'FAILED',
    { analyzer: 1 },
    'bad-input',
  ]);
  const noop = await never.tell({ what: 'skip', stage: 'analyzer' });
  expect([noop.state, noop.outcome]).toEqual(['DONE', 'noop']);
});

test.each(['crash-before', 'crash-after'] as const)(
  'the service dies at every point of a run, %s each write: it goes on to its end each time',
  async (what) => {
    for (let write = 1; write <= 14; write += 1) {
      const story = await tell(fails(1), { what, write });
      expect([write, story.state, story.broken]).toEqual([write, 'DONE', null]);
      const interruptions = eventsOf(story, 'lost').length;
      expect(story.attempts.analyzer).toBeLessThanOrEqual(2 + interruptions);
    }
  },
);

test('a week of backoffs: every wait is waited out, and the clock of the story has passed it', async () => {
  const day = 24 * 3600 * 1000;
  const patient = pipeline([
    stage('one', {
      timeoutMs: 60_000,
      retry: { ...retries(7).retry, initialMs: day, factor: 1, maxMs: day, jitter: 0 },
    }),
  ]);
  const { tell: told } = simulated(patient);
  const story = await told({ what: 'fail', stage: 'one', times: 7, code: 'exit-code' });
  expect([story.state, story.attempts.one]).toEqual(['DONE', 8]);
  expect(story.duration_ms).toBe(7 * day + 8 * 1000);
});

test('many runs: outcomes and durations, and none is longer than the linter says', async () => {
  const { survey: found } = await simulated(three).survey(7, 60);
  expect(found?.runs).toBe(60);
  expect(Object.values(found?.outcomes ?? {}).reduce((sum, n) => sum + n)).toBe(60);
  expect(found?.broken).toBeNull();
  expect(found?.worst_case_ms).toBe(worstCaseMs(three));
  expect(found?.longest?.duration_ms).toBeLessThanOrEqual(worstCaseMs(three));
});
