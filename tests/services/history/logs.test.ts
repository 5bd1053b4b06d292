import { appendFile, mkdir, mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { createLogs, type LogFile, type Logs } from '../../../services/history/logs.ts';
import type { ByteMask } from '../../../services/secrets/byte-mask.ts';

const file: LogFile = { runId: 'r_1', stage: 'work', attempt: 1, stream: 'stdout' };
const noMask: ByteMask = { longestBytes: 0, bytes: (buffer) => buffer };
const secret = 'hunter22';
const hiding: ByteMask = {
  longestBytes: secret.length,
  bytes: (buffer) =>
    Buffer.from(buffer.toString('latin1').replaceAll(secret, '*'.repeat(secret.length)), 'latin1'),
};
const small = { blockBytes: 16, maxSearchBytes: 1_000_000, maxLinesBytes: 1_000_000 };
let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-logs-'));
  await mkdir(join(dir, 'runs/r_1/work/1'), { recursive: true });
  path = join(dir, 'runs/r_1/work/1/stdout.log');
});
afterEach(() => rm(dir, { recursive: true }));
const logsWith = (mask: ByteMask, sizes = small): Logs =>
  createLogs({ dataDir: dir, maskOf: async () => mask }, sizes);

const linesOf = (content: Buffer): Buffer[] => {
  const lines: Buffer[] = [];
  let begin = 0;
  while (begin < content.length) {
    const next = content.indexOf(10, begin);
    const end = next < 0 ? content.length : next + 1;
    lines.push(content.subarray(begin, end));
    begin = end;
  }
  return lines;
};
const alphabet = fc.constantFrom('a', 'b', 'A', '\n', 'é', secret, 'ab\n', '\u0000');
const content = fc.array(alphabet, { maxLength: 60 }).map((parts) => Buffer.from(parts.join('')));

test('bytes, lines and matches are those of the whole file, wherever the blocks end', () =>
  fc.assert(
    fc.asyncProperty(
      content,
      fc.nat(120),
      fc.nat(40),
      fc.constantFrom('a', 'ab', 'b\n', secret, 'é'),
      async (bytes, offset, count, q) => {
        await writeFile(path, bytes);
        const seen = hiding.bytes(bytes);
        const logs = logsWith(hiding);
        const part = await logs.read(file, { offset, limit: count });
        expect(part?.bytes).toEqual(seen.subarray(offset, offset + count));
        const all = linesOf(seen);
        const some = await logs.lines(file, { fromLine: count + 1, lines: 3 });
        expect(some?.bytes).toEqual(Buffer.concat(all.slice(count, count + 3)));
        expect(some?.totalLines).toBe(all.length);
        const starts = all.map((_, index) =>
          all.slice(0, index).reduce((sum, line) => sum + line.length, 0),
        );
        // A match belongs to the line in which it begins.
        const expected = all.flatMap((line, index) => {
          const begin = starts[index] as number;
          const at = seen.indexOf(q, begin);
          return at >= begin && at < begin + line.length ? [{ line: index + 1, offset: at }] : [];
        });
        const matches = await logs.search(file, { q, offset: 0, limit: 1000, ignoreCase: false });
        expect(matches?.matches.map(({ line, offset: at }) => ({ line, offset: at }))).toEqual(
          expected,
        );
        expect(matches?.nextOffset).toBeNull();
      },
    ),
    { numRuns: 300 },
  ));

test('pages of a search together are the whole search', async () => {
  await writeFile(
    path,
    Array.from(
      { length: 50 },
      (_, index) => `line ${index} ${index % 3 === 0 ? 'Needle' : ''}\n`,
    ).join(''),
  );
  const logs = logsWith(noMask);
  const found: number[] = [];
  let offset: number | null = 0;
  while (offset !== null) {
    const page: Awaited<ReturnType<Logs['search']>> = await logs.search(file, {
      q: 'nEEdle',
      offset,
      limit: 4,
      ignoreCase: true,
    });
    found.push(...(page?.matches.map(({ line }) => line) ?? []));
    offset = page?.nextOffset ?? null;
  }
  expect(found).toEqual(Array.from({ length: 17 }, (_, index) => index * 3 + 1));
});

test('a secret is in no answer, not even in parts, and cannot be found by searching', async () => {
  await writeFile(path, `before ${secret} after\n`);
  const logs = logsWith(hiding);
  for (let offset = 0; offset < 30; offset += 1)
    for (let limit = 1; limit < 20; limit += 1) {
      const text = (await logs.read(file, { offset, limit }))?.bytes.toString('latin1') ?? '';
      expect(text).not.toMatch(/[hun2]{3}|er2/);
    }
  expect(
    (await logs.search(file, { q: 'hunter', offset: 0, limit: 10, ignoreCase: true }))?.matches,
  ).toEqual([]);
  const [match] =
    (await logs.search(file, { q: 'after', offset: 0, limit: 10, ignoreCase: false }))?.matches ??
    [];
  expect(match?.text).toBe('before ******** after');
});

test('SEC-6: the end of a log that is written is held back until a newline, a second, or the end', async () => {
  await writeFile(path, `lines\nand ${secret.slice(0, 5)}`);
  await utimes(path, 100, 100);
  const at = (ms: number | null) =>
    createLogs({ dataDir: dir, maskOf: async () => hiding, liveAtMs: async () => ms });
  const seen = async (ms: number | null) => {
    const logs = at(ms);
    const whole = { offset: 0, limit: 1000 };
    const [part, tail, lines, found] = [
      await logs.read(file, whole),
      await logs.read(file, { tail: 1000 }),
      await logs.lines(file, { fromLine: 1, lines: 9 }),
      await logs.search(file, { q: 'hunt', offset: 0, limit: 9, ignoreCase: false }),
    ];
    expect([tail?.bytes, lines?.bytes]).toEqual([part?.bytes, part?.bytes]);
    expect(await logs.size(file)).toBe(part?.size);
    expect(found?.matches.length).toBe(part?.bytes.includes('hunt') ? 1 : 0);
    return part?.bytes.toString();
  };
  expect(await seen(100_300)).toBe('lines\nan');
  expect(await seen(101_000)).toBe('lines\nand hunte');
  expect(await seen(null)).toBe('lines\nand hunte');
  await writeFile(path, `lines\nand ${secret.slice(0, 5)}${secret.slice(5)}`);
  await utimes(path, 100, 100);
  expect(await seen(100_300)).toBe('lines\nand *');
  await appendFile(path, '\n');
  await utimes(path, 100, 100);
  expect(await seen(100_300)).toBe('lines\nand ********\n');
});

test('a file that grows is read on, and its lines are counted on', async () => {
  const logs = logsWith(noMask);
  expect(await logs.read(file, { offset: 0, limit: 10 })).toBeNull();
  for (let round = 1; round <= 20; round += 1) {
    await appendFile(path, `${'x'.repeat(round)}\n`);
    expect((await logs.lines(file, { fromLine: round, lines: 1 }))?.bytes.toString()).toBe(
      `${'x'.repeat(round)}\n`,
    );
    expect((await logs.lines(file, { fromLine: 1, lines: 1 }))?.totalLines).toBe(round);
  }
  await writeFile(path, 'new\n');
  expect((await logs.lines(file, { fromLine: 1, lines: 5 }))?.totalLines).toBe(1);
});

test('the tail begins at the start of a line, and is as it is when a line is longer', async () => {
  await writeFile(path, 'one\ntwo\nthree\n');
  const logs = logsWith(noMask);
  expect((await logs.read(file, { tail: 9 }))?.bytes.toString()).toBe('three\n');
  expect((await logs.read(file, { tail: 100 }))?.bytes.toString()).toBe('one\ntwo\nthree\n');
  expect((await logs.read(file, { tail: 3 }))?.bytes.toString()).toBe('ee\n');
});

test('300 MB, with a line of 6 MB: the last line, and one in the middle found, within bounded memory', async () => {
  const out = await open(path, 'w');
  const block = Buffer.from(`${'y'.repeat(99)}\n`.repeat(10_000));
  for (let written = 0; written < 300; written += 1) {
    if (written === 150) await out.write(`${'z'.repeat(6_000_000)}needle\n`);
    await out.write(block);
  }
  await out.close();
  setFlagsFromString('--expose-gc');
  const held = (): number => {
    runInNewContext('gc')();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  const logs = createLogs({ dataDir: dir, maskOf: async () => noMask });
  const last = await logs.lines(file, { fromLine: 3_000_001, lines: 10 });
  expect(last).toMatchObject({ totalLines: 3_000_001, cut: false });
  const found = await logs.search(file, { q: 'needle', offset: 0, limit: 10, ignoreCase: false });
  expect(found?.matches).toMatchObject([{ line: 1_500_001 }]);
  expect(found?.matches[0]?.text.length).toBeLessThanOrEqual(500);
  expect(found?.nextOffset).toBe(256 * 1024 * 1024);
  const long = await logs.lines(file, { fromLine: 1_500_001, lines: 1 });
  expect(long).toMatchObject({ cut: true });
  expect(held() - before).toBeLessThan(100_000_000);
}, 60_000);
