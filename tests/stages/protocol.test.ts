import fc from 'fast-check';
import { hear, joined, maxOutputBytes, nothingSaid, type Said } from '../../stages/protocol.ts';
import { createLineFinder, maxLineBytes, protocolPrefix } from '../../stages/protocol-lines.ts';

const line = (value: unknown): string =>
  protocolPrefix + (typeof value === 'string' ? value : JSON.stringify(value));
const all = (...lines: string[]): Said => lines.reduce(hear, nothingSaid);

describe('what a program says', () => {
  test('progress is replaced, metrics and outputs are added up, the first skip, partial and fail stand', () => {
    const said = all(
      line({ progress: { done: 1, total: 3 } }),
      line({ progress: { done: 2, total: 3, unit: 'files' } }),
      line({ metric: { rows: 1, bytes: 5 } }),
      line({ metric: { rows: 2 } }),
      line({ output: { a: 1 } }),
      line({ output: { b: ['x'] } }),
      line({ heartbeat: true }),
      line({ skip: 'no new files' }),
      line({ skip: 'another' }),
      line({ partial: 'B failed' }),
      line({ partial: 'C failed' }),
      line({ fail: { code: 'bad-input', message: 'row 7', retryable: false, retry_after_ms: 50 } }),
      line({ fail: { code: 'later', message: 'x' } }),
    );
    expect(said).toEqual({
      progress: { done: 2, total: 3, unit: 'files' },
      metrics: { rows: 2, bytes: 5 },
      outputs: { a: 1, b: ['x'] },
      skip: 'no new files',
      partial: 'B failed',
      fail: { code: 'bad-input', message: 'row 7', retryable: false, retry_after_ms: 50 },
      warnings: [],
    });
  });

  test('a failure can be tried again unless it says otherwise', () => {
    expect(all(line({ fail: { code: 'c', message: 'm' } })).fail).toEqual({
      code: 'c',
      message: 'm',
      retryable: true,
    });
  });

  test.each([
    ['is not JSON', '{"progress":'],
    ['at /progress/done', { progress: { done: 'three' } }],
    ['at /metric/rows', { metric: { rows: null } }],
    ['Unrecognized key', { progres: {} }],
    ['expected object', ['x']],
  ])('a line that does not hold is one warning that says: %s', (says, value) => {
    const said = all(line({ metric: { rows: 1 } }), line(value));
    expect(said).toEqual({
      ...nothingSaid,
      metrics: { rows: 1 },
      warnings: [expect.stringContaining(says)],
    });
  });

  test.each(['interrupted', 'timeout', 'stopped'])(
    'a program cannot call its failure %s, which would be free of retries',
    (code) => {
      const said = all(line({ fail: { code, message: 'x' } }));
      expect(said.fail).toBeNull();
      expect(said.warnings).toEqual([expect.stringContaining('belongs to the service')]);
    },
  );

  test('what a program warns of is a warning, beside everything else it says', () => {
    const said = all(
      line({ warning: 'NG was left out', metric: { rows: 1 } }),
      line({ warning: 'x' }),
    );
    expect(said).toMatchObject({ metrics: { rows: 1 }, warnings: ['NG was left out', 'x'] });
  });

  test('warnings stop at 20', () => {
    expect(all(...Array.from({ length: 30 }, () => line('no'))).warnings).toHaveLength(20);
  });

  test('outputs over 64 kB are left out with a warning, and the rest of the line holds', () => {
    const said = all(
      line({ output: { kept: 1 } }),
      line({ output: { big: 'x'.repeat(maxOutputBytes) }, metric: { rows: 1 } }),
    );
    expect(said).toMatchObject({
      outputs: { kept: 1 },
      metrics: { rows: 1 },
      warnings: [expect.stringContaining('larger than 64 kB')],
    });
  });

  test('of two streams stdout holds where they differ', () => {
    const out = all(line({ metric: { a: 1 }, progress: { done: 1 } }));
    const err = all(line({ metric: { a: 2, b: 2 }, output: { o: 1 }, skip: 'why' }), line('no'));
    expect(joined(out, err)).toEqual({
      metrics: { a: 1, b: 2 },
      progress: { done: 1 },
      outputs: { o: 1 },
      skip: 'why',
      partial: null,
      fail: null,
      warnings: [expect.stringContaining('not JSON')],
    });
  });
});

describe('lines in bytes', () => {
  const found = (chunks: Buffer[]): { lines: string[]; tooLong: number } => {
    const result = { lines: [] as string[], tooLong: 0 };
    const finder = createLineFinder(
      (text) => result.lines.push(text),
      () => {
        result.tooLong += 1;
      },
    );
    for (const chunk of chunks) {
      // The caller may use its buffer again.
      const lent = Buffer.from(chunk);
      finder.push(lent);
      lent.fill(0x0a);
    }
    finder.end();
    return result;
  };
  const cut = (bytes: Buffer, sizes: number[]): Buffer[] => {
    const chunks: Buffer[] = [];
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = sizes[turn % sizes.length] as number;
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return chunks;
  };

  test('the same lines are found however the bytes are cut', () => {
    const someLine = fc.oneof(
      fc.constantFrom(
        '',
        ':',
        '::stage',
        '::stagewright',
        ' ::stagewright {}',
        'x::stagewright {}',
        '::stagewright {"skip":"ä€😀"}',
      ),
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n]/g, '')),
      fc
        .string({ unit: 'grapheme' })
        .map((text) => `${protocolPrefix}${text.replaceAll(/[\r\n]/g, '')}`),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(someLine, { maxLength: 12 }),
        fc.boolean(),
        sizes,
        (lines, closed, sizesOfCuts) => {
          const bytes = Buffer.from(lines.join('\n') + (closed ? '\n' : ''));
          const expected = bytes
            .toString()
            .split('\n')
            .filter((text) => text.startsWith(protocolPrefix))
            .map((text) => text.trimEnd());
          expect(found(cut(bytes, sizesOfCuts)).lines).toEqual(expected);
        },
      ),
    );
  });

  test.each([[1000], [maxLineBytes * 3]])(
    'a line over 64 kB is passed over once and what follows is heard, in cuts of %d bytes',
    (size) => {
      const bytes = Buffer.from(
        `${line('x'.repeat(maxLineBytes))}\n${line('{}')}\n${'y'.repeat(maxLineBytes * 2)}\n${line('{"a":1}')}`,
      );
      expect(found(cut(bytes, [size]))).toEqual({
        lines: [line('{}'), line('{"a":1}')],
        tooLong: 1,
      });
    },
  );

  test('a carriage return before the newline is no part of the line', () => {
    expect(found([Buffer.from(`${line('{}')}\r\n`)]).lines).toEqual([line('{}')]);
  });
});
