import fc from 'fast-check';
import { joined, maxLines, maxOutputBytes, openHearing, type Said } from '../../stages/protocol.ts';
import { createLineFinder, maxLineBytes, protocolPrefix } from '../../stages/protocol-lines.ts';

const line = (value: unknown): string =>
  protocolPrefix + (typeof value === 'string' ? value : JSON.stringify(value));
const all = (...lines: string[]): Said => {
  const hearing = openHearing();
  for (const one of lines) hearing.hear(one);
  return hearing.said();
};

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
    ['at /progress: done must lie', { progress: { done: 3, total: 2 } }],
    ['at /progress: done must lie', { progress: { done: -1, total: 2 } }],
    ['at /partial: a reason is needed', { partial: '' }],
    ['at /skip: a reason is needed', { skip: ' \t' }],
  ])('a line that does not hold is one warning that says: %s', (says, value) => {
    const said = all(line({ metric: { rows: 1 } }), line(value));
    expect(said).toEqual({
      ...all(),
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

  describe('a flood', () => {
    /** What JSON is made and read while it is heard, in calls and characters. */
    const workOf = (lines: string[]): { said: Said; characters: number; reads: number } => {
      const work = { characters: 0, reads: 0 };
      const { stringify, parse } = JSON;
      const written = (value: unknown): string => {
        const text = stringify(value);
        work.characters += text.length;
        return text;
      };
      JSON.stringify = written as typeof stringify;
      JSON.parse = (text, reviver) => {
        work.reads += 1;
        return parse(text, reviver);
      };
      try {
        return { said: all(...lines), ...work };
      } finally {
        Object.assign(JSON, { stringify, parse });
      }
    };
    const flood = (count: number, of: (index: number) => unknown): string[] =>
      Array.from({ length: count }, (_, index) => line(of(index)));

    test.each([
      ['metrics of ever new names', (index: number) => ({ metric: { [`m${index}`]: index } })],
      ['outputs of ever new names', (index: number) => ({ output: { [`o${index}`]: index } })],
      ['outputs that grow', (index: number) => ({ output: { o: 'x'.repeat(index % 500) } })],
    ])('of %s costs each line its own length, whatever was said before', (_what, of) => {
      const lines = flood(9000, of);
      const [half, whole] = [workOf(lines.slice(0, 4500)), workOf(lines)];
      const length = lines.reduce((sum, one) => sum + one.length, 0);
      // `all` measures nothing of its own.
      expect(whole.characters).toBeLessThan(2 * length);
      expect(whole.characters).toBeLessThan(2.5 * half.characters);
      expect(whole.reads).toBe(lines.length);
    });

    test('of metrics fills 16 kB and warns once; names that are known go on', () => {
      const { said } = workOf([
        ...flood(3000, (index) => ({ metric: { [`m${index}`]: index } })),
        line({ metric: { m0: 7 } }),
      ]);
      expect(said.metrics.m0).toBe(7);
      expect(JSON.stringify(said.metrics).length).toBeLessThanOrEqual(16 * 1024);
      expect(JSON.stringify(said.metrics).length).toBeGreaterThan(16 * 1024 - 20);
      expect(said.warnings).toEqual([expect.stringContaining('metrics are larger than 16 kB')]);
    });

    test.each([
      ['progress', { progress: { done: 1 } }],
      ['heartbeats', { heartbeat: true }],
      ['nonsense', 'no JSON'],
    ])(
      'of %s is read up to a number; the last word still counts, and one warning says so',
      (what, one) => {
        const last = { skip: 's', partial: 'p', output: { o: 1 }, metric: { m: 1 } };
        const fail = { fail: { code: 'bad-input', message: 'm' } };
        const { said, reads } = workOf([
          ...flood(3 * maxLines, () => one),
          line({ ...last, ...fail }),
          line({ progress: { done: 5 } }),
        ]);
        expect(said).toMatchObject({
          progress: { done: 5 },
          metrics: { m: 1 },
          outputs: { o: 1 },
          skip: 's',
          partial: 'p',
          fail: { code: 'bad-input' },
        });
        expect(said.warnings.filter((text) => text.startsWith('too many'))).toHaveLength(1);
        expect(said.warnings.length).toBeLessThanOrEqual(20);
        expect(what === 'nonsense' || said.warnings.length === 1).toBe(true);
        expect(reads).toBeLessThanOrEqual(maxLines + 3);
      },
    );
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
