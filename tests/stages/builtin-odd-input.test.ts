import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import * as merger from '../../stages/builtin/merger.ts';
import * as report from '../../stages/builtin/report.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { dailyCsv, intradayCsv, makeProject, parquetBytes, rawPath } from './builtin-kit.ts';
import { startStage } from './stage-process.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;
const options = { raw: 'raw', out: 'out', layout: 'intraday' };
const dates = ['2026-03-03', '2026-03-04', '2026-03-05'];
const bars = (date: string) =>
  intradayCsv(
    Array.from({ length: 30 }, (_, n) => `${date}T15:${String(n).padStart(2, '0')}:00Z,1,1,1,1,1`),
  );
const at = (project: Project, path: string) => join(project.dir, path);
const pipe = (path: string) => execFileSync('mkfifo', [path]);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { code: string; message: string; retryable: boolean }) => error,
  );
const stateOf = async (project: Project, name: string) =>
  Object.fromEntries(
    Object.entries(await project.state('out')).filter(([path]) => path.includes(name)),
  );

/** Three days of NG and CL, translated. */
async function prepare(project: Project) {
  for (const name of ['NG', 'CL'])
    for (const date of dates) await project.write(rawPath(name, date), bars(date));
  expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 180, files: 6 });
}
const spoilt = rawPath('CL', '2026-03-04');

const odd: [what: string, spoil: (path: string) => Promise<unknown>][] = [
  ['separated by semicolons', (path) => writeFile(path, bars(dates[1]!).replaceAll(',', ';'))],
  ['of 0 bytes', (path) => writeFile(path, '')],
  ['without a header', (path) => writeFile(path, '2026-03-04T15:00:00Z,1,1,1,1,1\n')],
  ['UTF-16', (path) => writeFile(path, `\uFEFF${bars(dates[1]!)}`, 'utf16le')],
  ['a link that leads nowhere', (path) => rm(path).then(() => symlink('gone.csv', path))],
  ['a link to itself', (path) => rm(path).then(() => symlink(path, path))],
  ['a folder', (path) => rm(path).then(() => mkdir(path))],
  ['a pipe', (path) => rm(path).then(() => pipe(path))],
];

test.each(odd)(
  'DATA-1: a raw file that is %s fails its instrument by name, and all its days stay',
  async (_what, spoil) => {
    await using project = await makeProject();
    await prepare(project);
    const before = await stateOf(project, 'CL');
    await rm(at(project, rawPath('NG', '2026-03-05')));
    await spoil(at(project, spoilt));
    const failure = await failureOf(project.run(translator, options));
    expect(failure).toMatchObject({ code: 'unreadable-input', retryable: true });
    expect(failure!.message).toContain('CL/1m/2026/03/CL_1m_2026-03-04.csv');
    expect(await stateOf(project, 'CL')).toEqual(before);
    // The other instrument is done, and what was taken away there is gone.
    expect(Object.keys(await stateOf(project, 'NG_1m'))).toHaveLength(2);

    const partial = await project.run(translator, { ...options, on_failure: 'partial' });
    expect(partial.outputs).toMatchObject({
      result: 'partial',
      instruments: ['NG'],
      failed: { CL: expect.stringContaining('unreadable-input') },
    });
    await rm(at(project, spoilt), { recursive: true });
    await project.write(spoilt, bars('2026-03-04'));
    expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 150 });
  },
);

test('DATA-1: a folder that cannot be looked into is not an empty one', async () => {
  await using project = await makeProject();
  await prepare(project);
  const before = await stateOf(project, 'CL');
  await project.move('raw/CL/1m', 'elsewhere');
  await symlink('../../nowhere', at(project, 'raw/CL/1m'));
  expect(await failureOf(project.run(translator, options))).toMatchObject({
    code: 'unreadable-input',
    message: expect.stringContaining('CL/1m: a link that leads nowhere'),
  });
  await rm(at(project, 'raw/CL/1m'));
  await project.write('raw/CL/1m', 'a file in its place');
  expect(await failureOf(project.run(translator, options))).toMatchObject({
    code: 'unreadable-input',
    message: expect.stringContaining('CL/1m'),
  });
  expect(await stateOf(project, 'CL')).toEqual(before);
});

test.each([
  ['a raw file', spoilt],
  ['a folder of them', 'raw/CL/1m/2026'],
  ['the folder of the instrument', 'raw/CL'],
])(
  'DATA-1: %s without permission fails its instrument by name, and its days stay',
  async (_what, path) => {
    await using project = await makeProject();
    await prepare(project);
    const before = await stateOf(project, 'CL');
    // Permissions mean nothing to root, so the stage is somebody else's then.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    await chmod(at(project, path), 0);
    await mkdir(at(project, 'attempts/translator-1'), { recursive: true });
    if (uid !== undefined) execFileSync('chown', ['-R', String(uid), project.dir]);
    const child = await startStage(
      project.dir,
      'translator',
      { ...options, on_failure: 'partial' },
      1,
      uid,
    );
    child.stdout!.resume();
    expect((await once(child, 'exit'))[0]).toBe(0);
    await chmod(at(project, path), 0o755);
    expect(JSON.parse(await project.text('attempts/translator-1/outputs.json'))).toMatchObject({
      instruments: ['NG'],
      failed: { CL: expect.stringMatching(/^unreadable-input: .*permission denied/) },
    });
    expect(await stateOf(project, 'CL')).toEqual(before);
  },
);

test('DATA-1: links to files and to folders are followed, and one into itself is named', async () => {
  await using project = await makeProject();
  await prepare(project);
  const before = await project.state('out');
  await project.move(spoilt, 'store/bars.csv');
  await symlink(at(project, 'store/bars.csv'), at(project, spoilt));
  await project.move('raw/NG/1m/2026', 'store/2026');
  await symlink(at(project, 'store/2026'), at(project, 'raw/NG/1m/2026'));
  expect((await project.run(translator, options)).skip).toMatch(/^no new input/);
  expect(await project.state('out')).toEqual(before);
  await symlink('..', at(project, 'store/2026/again'));
  await symlink(at(project, 'raw/NG/1m'), at(project, 'store/2026/loop'));
  expect(await failureOf(project.run(translator, options))).toMatchObject({
    code: 'unreadable-input',
    message: expect.stringContaining('a link into itself'),
  });
});

test('DATA-1: the last file taken away, or the whole folder, leaves what was made of it, and says so', async () => {
  await using project = await makeProject();
  await prepare(project);
  const before = await stateOf(project, 'CL');
  await rm(at(project, 'raw/CL/1m'), { recursive: true });
  await mkdir(at(project, 'raw/CL/1m'));
  expect(await failureOf(project.run(translator, options))).toMatchObject({
    code: 'missing-input',
    retryable: false,
  });
  await rm(at(project, 'raw/CL'), { recursive: true });
  const { outputs } = await project.run(translator, options);
  expect(outputs).toMatchObject({
    result: 'complete',
    left_out: { CL: 'no folder any more; what was made of it stays' },
  });
  expect(project.lines).toContain('warning: CL: no folder any more; what was made of it stays');
  expect(await stateOf(project, 'CL')).toEqual(before);
});

test('DATA-2: an instrument that was asked for and cannot be made fails by name, whatever the others do', async () => {
  await using project = await makeProject();
  await project.write(rawPath('YM', dates[0]!), bars(dates[0]!));
  await project.write('raw/CL/1m/CL_1m_2026-03-03.csv.gz', 'packed');
  const asked = { ...options, instruments: ['CL', 'TYPO', 'YM'] };
  expect(await failureOf(project.run(translator, asked))).toMatchObject({
    code: 'missing-input',
    retryable: false,
  });
  const { outputs } = await project.run(translator, { ...asked, on_failure: 'partial' });
  expect(outputs).toMatchObject({
    result: 'partial',
    instruments: ['YM'],
    failed: {
      CL: expect.stringMatching(/^missing-input: .*CL_1m_2026-03-03\.csv\.gz: not a CSV file/),
      TYPO: 'missing-input: There is no folder TYPO in raw.',
    },
    left_out: { 'CL/1m/CL_1m_2026-03-03.csv.gz': 'not a CSV file' },
  });
  expect(project.metrics).toMatchObject({ failed: 2, left_out: 1 });
  await project.write(rawPath('CL', dates[0]!), bars(dates[0]!).replaceAll(',', ';'));
  expect(
    await failureOf(project.run(translator, { ...options, instruments: ['CL'] })),
  ).toMatchObject({ code: 'unreadable-input' });
});

test('DATA-2: one good file and one that is not understood are no success', async () => {
  await using project = await makeProject();
  await project.write(rawPath('NG', dates[0]!), bars(dates[0]!));
  await project.write(rawPath('NG', dates[1]!), bars(dates[1]!).replaceAll(',', ';'));
  expect(await failureOf(project.run(translator, options))).toMatchObject({
    code: 'unreadable-input',
    message: expect.stringContaining('NG_1m_2026-03-04.csv: unknown layout'),
  });
});

test('DATA-2: what the analyzer, the merger and the report were asked for and do not find is named', async () => {
  await using project = await makeProject();
  await project.write('raw/A/a.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, { raw: 'raw', out: 't' });
  await project.write('t/notes.txt', 'a note');
  const asked = { instruments: ['A', 'B'], on_failure: 'partial' };
  const analyzed = await project.run(analyzer, { in: 't', out: 'a', ...asked });
  expect(analyzed.outputs).toMatchObject({
    failed: { B: expect.stringMatching(/^missing-input: There is no input of B in /) },
  });
  expect((await project.run(analyzer, { in: 't', out: 'a' })).outputs).toMatchObject({
    left_out: { 'notes.txt': 'not a Parquet file' },
  });
  const merged = await project.run(merger, { in: 'a', out: 'm', ...asked });
  expect(merged.outputs).toMatchObject({ failed: { B: expect.stringContaining('missing-input') } });
  const page = await project.run(report, { in: 'm', out: 'r', instruments: ['A', 'B'] });
  expect(page.outputs).toMatchObject({ left_out: { B: expect.any(String) } });
});

test.each([
  ['a link that leads nowhere', (path: string) => symlink('gone', path)],
  ['a pipe', async (path: string) => pipe(path)],
  ['a folder', (path: string) => mkdir(path, { recursive: true }).then(() => {})],
])(
  'DATA-1: %s in the place of a Parquet file fails its instrument by name, in every stage',
  async (_what, put) => {
    await using project = await makeProject();
    for (const name of ['A', 'B'])
      await project.write(`raw/${name}/a.csv`, dailyCsv([[1, 2, 1, 2]]));
    await project.run(translator, { raw: 'raw', out: 't' });
    await project.run(analyzer, { in: 't', out: 'a' });
    await project.run(merger, { in: 'a', out: 'm' });
    for (const [stage, from, path] of [
      [analyzer, 't', 't/B.parquet'],
      [merger, 'a', 'a/B.parquet'],
      [report, 'm', 'm/B/D1/2018-01.parquet'],
    ] as const) {
      await rm(at(project, path));
      await put(at(project, path));
      const failure = await failureOf(project.run(stage, { in: from, out: `${from}-next` }));
      expect([from, failure]).toMatchObject([from, { code: 'unreadable-input' }]);
      expect(failure!.message).toContain('B');
    }
  },
);

test.each([
  ['a folder', (path: string) => mkdir(path).then(() => {})],
  ['a pipe', async (path: string) => pipe(path)],
  ['no Parquet', (path: string) => writeFile(path, 'of somebody else')],
])(
  'DATA-8: %s in the place of a month file is an unreadable target, also when nothing is new',
  async (_what, put) => {
    await using project = await makeProject();
    await project.write('raw/A/a.csv', dailyCsv([[1, 2, 1, 2]]));
    await project.run(translator, { raw: 'raw', out: 't' });
    await project.run(analyzer, { in: 't', out: 'a' });
    await project.run(merger, { in: 'a', out: 'm' });
    await rm(at(project, 'm/A/D1/2018-01.parquet'));
    await put(at(project, 'm/A/D1/2018-01.parquet'));
    const failure = await failureOf(project.run(merger, { in: 'a', out: 'm' }));
    expect(failure).toMatchObject({ code: 'unreadable-target', retryable: false });
    expect(failure!.message).toContain('m/A/D1/2018-01.parquet');
    expect(failure!.message).not.toMatch(/SELECT|\n/);
  },
);

test.each([
  ['the output of an instrument', 'out/A.parquet'],
  ['its list of rejects', 'out/rejects/A.csv'],
  ['its manifest', 'out/manifests/A.json'],
])('DATA-8: a folder in the place of %s is an unwritable target', async (_what, path) => {
  await using project = await makeProject();
  await project.write('raw/A/a.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.write(`${path}/of-somebody-else`, 'x');
  expect(await failureOf(project.run(translator, { raw: 'raw', out: 'out' }))).toMatchObject({
    code: 'unwritable-target',
    message: expect.stringContaining(path),
  });
});

const note = (text: string | Buffer) =>
  Buffer.concat([
    Buffer.from('2026-03-04T15:30:00Z,1,1,1,1,1,'),
    Buffer.from(text),
    Buffer.from('\n'),
  ]);
test.each([
  ['a euro sign', note('€'), 1],
  ['a dash of U+2013', note('–'), 1],
  ['the byte 0x80 of cp1252', note(Buffer.from([0x80])), 1],
  ['every byte of latin-1', note(Buffer.from(Array.from({ length: 128 }, (_, n) => n + 128))), 1],
  ['a zero byte', note(Buffer.from([0])), 1],
  ['the byte 1', note(Buffer.from([1, 44])), 0],
  ['a line of 5 MB', note('x'.repeat(5_000_000)), 0],
  ['a return within the line', note('a\rb'), 1],
])('DATA-3: %s costs its row at most, beside a row that is no bar', async (_what, line, kept) => {
  await using project = await makeProject();
  for (const [path, kind] of [
    [rawPath('ES', '2026-03-04'), 'intraday'],
    ['daily/ES/es.csv', 'daily'],
  ] as const) {
    const time = (text: string) =>
      kind === 'daily' ? text.replace(/2026-03-04T15:(\d\d):00Z/g, '2026-01-$1') : text;
    const good = Array.from(
      { length: 28 },
      (_, n) => `2026-03-04T15:${String(n + 1).padStart(2, '0')}:00Z,1,1,1,1,1,é\n`,
    );
    const head = `${kind === 'daily' ? 'date' : 'timestamp_utc'},open,high,low,close,volume,note\n`;
    await project.write(path, '');
    await writeFile(
      at(project, path),
      Buffer.concat([
        Buffer.from(time(`${head}${good.join('')}2026-03-04T15:29:00Z,oops,1,1,1,1,–\n`)),
        Buffer.from(time(line.toString('latin1')), 'latin1'),
      ]),
    );
    const from = kind === 'daily' ? 'daily' : 'raw';
    const { outputs } = await project.run(translator, {
      raw: from,
      out: `out-${kind}`,
      layout: kind,
    });
    const broken = line.includes('\r') ? 1 : 0;
    expect(outputs).toMatchObject({ rows: 28 + kept, rejected: 2 - kept + broken });
    expect(await project.text(`out-${kind}/rejects/ES.csv`)).toContain(',oops,1,1,1,1,–');
  }
});

test('DATA-3: lines keep their numbers when they do not all end alike', async () => {
  await using project = await makeProject();
  const rows = [
    '2018-01-01,1,1,1,1,1\r\n',
    '2018-01-02,1,1,1,1,1\n',
    '\n',
    'bad\r',
    '2018-01-03,1,1,1,1,1',
  ];
  await project.write('raw/A/a.csv', `date,open,high,low,close,volume\r\n${rows.join('')}`);
  const { outputs } = await project.run(translator, { raw: 'raw', out: 'out' });
  expect(outputs).toMatchObject({ rows: 3, rejected: 1 });
  expect(await project.text('out/rejects/A.csv')).toContain(
    'A/a.csv,5,"expected 6 fields, found 1",bad',
  );
});

test('DATA-4: rows whose own column names another instrument are rejected with that reason', async () => {
  await using project = await makeProject();
  const rows = (name: string) =>
    Array.from(
      { length: 5 },
      (_, n) => `2026-03-04T15:0${n}:00Z,1,1,1,${name === 'CL' ? 2 : 1},1,${name}`,
    );
  const file = [
    'timestamp_utc,open,high,low,close,volume,Instrument',
    ...rows('es'),
    ...rows('CL'),
  ];
  // The prices of CL are no bars either; its name is the reason that says more.
  await project.write(rawPath('ES', '2026-03-04'), `${file.join('\n')}\n`);
  const { outputs } = await project.run(translator, options);
  expect(outputs).toMatchObject({ rows: 5, rejected: 5, duplicates: 0 });
  expect(
    (await project.text('out/rejects/ES.csv')).match(/a row of the instrument CL/g),
  ).toHaveLength(5);
  const unchecked = await project.run(translator, { ...options, columns: { instrument: 'none' } });
  expect(unchecked.outputs).toMatchObject({ rows: 5, rejected: 5 });
  expect(await project.text('out/rejects/ES.csv')).not.toContain('a row of the instrument');

  await project.write(
    'daily/ES/a.csv',
    'date,open,high,low,close,volume,instrument\n2018-01-01,1,1,1,1,1,\n2018-01-02,1,1,1,1,1,CL\n',
  );
  const daily = await project.run(translator, { raw: 'daily', out: 'd' });
  expect(daily.outputs).toMatchObject({ rows: 1, rejected: 1 });
});

test.each([
  ['2026-03-04T15:05Z', '09:05'],
  ['2026-03-04T15:05:00+0000', '09:05'],
  ['2026-03-04T15:05:00+00', '09:05'],
  ['20260304T150500Z', '09:05'],
  ['20260304T1505Z', '09:05'],
  ['2026-03-04t15:05:00z', '09:05'],
  ['2026-03-04 15:05:00 Z', '09:05'],
  ['2026-03-04T15:05:00.000000000Z', '09:05'],
  ['2026-03-05T05:05:00+14:00', '09:05'],
  ['2026-03-04T03:20:00-1145', '09:05'],
  ['2026-03-04T15:05:00+25:00', 'timestamp is more than 14 hours away from UTC'],
  ['2026-03-04T15:05:00-14:01', 'timestamp is more than 14 hours away from UTC'],
  ['2026-03-04T15:05:30Z', 'timestamp is not a whole minute'],
  ['2026-03-04T15:05:00.001Z', 'timestamp is not a whole minute'],
  ['20260304T150500', 'timestamp has no time zone'],
  ['2026-03-04t15:05', 'timestamp has no time zone'],
  ['2026/03/04T15:05:00Z', 'timestamp is not ISO 8601 with a time zone'],
  ['2026-02-30T15:05:00Z', 'timestamp is not ISO 8601 with a time zone'],
  ['2026-03-04T15:05:00+01:75', 'timestamp is not ISO 8601 with a time zone'],
])('DATA-5: a bar of %s: %s, alone and beside a bad row', async (stamp, says) => {
  await using project = await makeProject();
  const row = `${stamp},1,1,1,1,1`;
  await project.write(
    rawPath('ES', '2026-03-04'),
    intradayCsv([row, '2026-03-04T15:06:00Z,1,1,1,1,1']),
  );
  await project.write(
    rawPath('NQ', '2026-03-04'),
    intradayCsv([row, 'bad', '2026-03-04T15:06:00Z,1,1,1,1,1']),
  );
  await project.run(translator, options);
  for (const name of ['ES', 'NQ']) {
    const times = (await project.allRows(`out/${name}`)).map((bar) =>
      String(bar['timestamp']).slice(11, 16),
    );
    const isBar = /^\d/.test(says);
    expect(times).toEqual(isBar ? [says, '09:06'] : ['09:06']);
    if (!isBar) expect(await project.text(`out/rejects/${name}.csv`)).toContain(`,2,${says},`);
  }
});

test('DATA-6: everything in the folder of an instrument is read or named as left out', async () => {
  await using project = await makeProject();
  await project.write(rawPath('ES', dates[0]!), bars(dates[0]!));
  await project.write('raw/ES/1m/other (1).CSV', bars(dates[1]!));
  await project.write('raw/ES/1m/2026/notes.txt', 'x');
  await project.write('raw/ES/beside.csv', bars(dates[2]!));
  await project.write('raw/README', 'x');
  await project.write('raw/more.csv', 'x');
  await project.write('raw/.hidden', 'x');
  const { outputs } = await project.run(translator, options);
  expect(outputs).toMatchObject({
    rows: 60,
    left_out: {
      'ES/1m/2026/notes.txt': 'not a CSV file',
      'ES/beside.csv': 'not in the folder 1m',
      README: 'it is a file, not a folder',
      'more.csv': 'it is a file, not a folder',
    },
  });
  expect(project.lines.filter((line) => line.startsWith('warning: '))).toEqual([
    'warning: ES: left out: 1m/2026/notes.txt: not a CSV file; beside.csv: not in the folder 1m',
    'warning: left out: README: it is a file, not a folder; more.csv: it is a file, not a folder',
  ]);
  expect(Object.keys(outputs!['left_out'] as object)).toHaveLength(4);
});

test('DATA-2: a thousand names that are left out do not outgrow the outputs: the log has the rest', async () => {
  await using project = await makeProject();
  await project.write('raw/A/a.csv', dailyCsv([[1, 2, 1, 2]]));
  for (let n = 0; n < 300; n += 1) await project.write(`raw/A/${n}-${'x'.repeat(150)}.txt`, '');
  const { outputs } = await project.run(translator, { raw: 'raw', out: 'out' });
  expect(JSON.stringify(outputs).length).toBeLessThan(32_000);
  const named = Object.keys(outputs!['left_out'] as object).length - 1;
  expect(named + project.lines.filter((line) => line.startsWith('left out: ')).length).toBe(300);
});

test('DATA-7: a translated file says its zone, its writer and which rows are how far from UTC', async () => {
  await using project = await makeProject();
  const rows = ['05:30', '06:30', '07:30', '08:30'].map(
    (time) => `2025-11-02T${time}:00Z,1,1,1,1,1`,
  );
  await project.write(rawPath('ES', '2025-11-02'), intradayCsv([...rows, rows[3]!]));
  await project.run(translator, { ...options, day_starts: '00:00' });
  const path = 'out/ES/2025/11/ES_1m_2025-11-03.parquet';
  const meta = parquetMetadata(await parquetBytes(at(project, path))).key_value_metadata!;
  const said = Object.fromEntries(meta.map(({ key, value }) => [key, value]));
  expect(said).toMatchObject({
    'stagewright.timezone': 'America/Chicago',
    'stagewright.translator': expect.stringMatching(/^\d+$/),
    'stagewright.utc_offsets': '[[0,-300],[2,-360]]',
  });
  // With them each local time is one instant again.
  const offsets = JSON.parse(said['stagewright.utc_offsets']!) as [number, number][];
  const instants = (await project.rows(path)).map(({ timestamp }, row) => {
    const [, minutes] = offsets.findLast(([from]) => from <= row)!;
    return new Date(Date.parse(timestamp as string) - minutes * 60_000).toISOString().slice(11, 16);
  });
  expect(instants).toEqual(['05:30', '06:30', '07:30', '08:30']);
});
