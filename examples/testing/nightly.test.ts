// What a pipeline does when things go wrong, tested before they do. Run it with `node --test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from 'stagewright/testing';

const file = new URL('pipelines/nightly.yaml', import.meta.url).pathname;

test('the source is away for three minutes: it is fetched a little later, and reported', async () => {
  const end = await simulate(file).fail('fetch', 2).run();
  assert.equal(end.state, 'DONE');
  assert.deepEqual(end.attempts, { fetch: 3, report: 1 });
  // Waits of one and two minutes, and four attempts of a second each.
  assert.equal(end.duration_ms, 184_000);
});

test('bad input is not asked for again', async () => {
  const end = await simulate(file).fail('fetch', 1, 'bad-input').run();
  assert.deepEqual([end.state, end.error_code, end.attempts.fetch], ['FAILED', 'bad-input', 1]);
});

test('a hung source costs five minutes an attempt, not the night', async () => {
  const end = await simulate(file).hang('fetch').run();
  assert.equal(end.state, 'DONE');
  assert.ok(end.duration_ms < 7 * 60_000);
});

test('the machine goes down: fetching goes on where it was, a report is not sent twice', async () => {
  const fetching = await simulate(file).rebootAt('fetch').run();
  assert.deepEqual([fetching.state, fetching.attempts.fetch], ['DONE', 2]);
  const reporting = await simulate(file).rebootAt('report').run();
  assert.deepEqual([reporting.state, reporting.attempts.report], ['FAILED', 1]);
});

test('whatever happens, it is over within the hour and nothing is left', async () => {
  const { longest, worst_case_ms } = await simulate(file).survey({ seed: 7, runs: 50 });
  assert.ok(worst_case_ms <= 3_600_000);
  assert.ok((longest?.duration_ms ?? 0) <= worst_case_ms);
});
