import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InspectionFrame } from '../../wire/inspection.ts';
import { disagreements, faultsOf, look, looking, receive } from '../support/inspector.ts';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// `work` goes on until the test lets it go.
const job = `name: job
stages:
  - { name: first, run: ["true"] }
  - { name: work, grace: 300ms, retry: { limit: 1, backoff: { initial: 10ms } }, run: ["sh", "-c", "echo up >> up; until [ -e go ]; do sleep 0.02; done"] }
`;
let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());

test('a run whose service is killed in the middle is one story: what was seen live before and after is what is told of it later, with no gap and nothing twice', async () => {
  project = await openProject({ 'job.yaml': job });
  const first = await project.begin();
  const seenBefore = receive(first.url, '/ws/inspect');
  await looking(first, 1);
  const id = await project.start(first, 'job');
  // Its program works: an attempt that is only asked for would be begun by the next service, not lost.
  await until(async () => (await project.lines('up')).length === 1);
  const isWorking = (frames: InspectionFrame[]): boolean =>
    frames.some((one) => one.type === '@xstate.actor' && one.name === 'attempt-work');
  const live = look(first.url, `/ws/inspect/${id}`);
  await until(() => isWorking(live.frames));
  await project.kill(first);
  // Nobody said goodbye to it.
  expect((await live.closed).code).toBe(1006);

  const second = await project.begin();
  await until(async () => (await project.lines('up')).length === 2);
  const on = look(second.url, `/ws/inspect/${id}`);
  await until(() => isWorking(on.frames));
  await writeFile(join(project.dir, 'go'), '');
  expect(await project.ended(second, id)).toMatchObject({ state: 'DONE' });
  expect((await on.closed).code).toBe(1000);
  const { frames, closed } = look(second.url, `/ws/inspect/${id}`);
  await closed;

  expect(on.frames).toEqual(frames);
  expect(live.frames).toEqual(frames.slice(0, live.frames.length));
  // Whoever looked at everything from before the start saw the same, as far as it went.
  expect(seenBefore).toEqual(frames.slice(0, seenBefore.length));
  expect(faultsOf(frames)).toEqual([]);
  expect(await disagreements(frames, (path) => project.get(second, path), id)).toEqual([]);
  const attempts = frames.flatMap((one) =>
    one.type === '@xstate.actor' && one.stage === 'work' ? [one.sessionId] : [],
  );
  expect(new Set(attempts).size).toBe(attempts.length);
  expect(attempts.filter((session) => session.includes('/attempt-work@'))).toHaveLength(2);
});
