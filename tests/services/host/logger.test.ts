import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createLogger } from '../../../services/host/logger.ts';

const logged = async (json: boolean, level: 'debug' | 'info' = 'info'): Promise<string[]> => {
  const stream = new PassThrough();
  const all = text(stream);
  const logger = createLogger({ level, json, stream });
  logger.debug('quiet');
  logger.info('started', { run_id: 'r_1', stage: 'work' });
  for (let n = 0; n < 500; n += 1) logger.error(`line ${n}`, { error: 'E' });
  await logger.close();
  stream.end();
  return (await all).trimEnd().split('\n');
};

test('as JSON every line parses, with level, message, time and what was given', async () => {
  const lines = (await logged(true)).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toEqual({
    level: 'info',
    message: 'started',
    run_id: 'r_1',
    stage: 'work',
    timestamp: expect.any(String),
  });
});

test('nothing is lost when it is closed at once', async () => {
  const lines = await logged(true);
  expect(lines).toHaveLength(501);
  expect(lines.at(-1)).toContain('line 499');
});

test('for people it is one readable line each', async () => {
  const [first, second] = await logged(false);
  expect(first).toMatch(/^\d{4}-\d\d-\d\dT\S+ INFO {2}r_1 started$/);
  expect(second).toMatch(/ ERROR line 0 \(E\)$/);
});

test('what is below the level is left out', async () => {
  expect((await logged(true, 'debug'))[0]).toContain('quiet');
  expect((await logged(true))[0]).not.toContain('quiet');
});
