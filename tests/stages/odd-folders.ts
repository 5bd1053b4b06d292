import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import * as translator from '../../stages/builtin/translator.ts';
import { makeProject } from './builtin-kit.ts';

type Layout = 'daily' | 'intraday';
/** `slot`: the bar's place in time when it is one; null when it has to be rejected. */
type Line = { text: Buffer; slot: number | null; end: string };
type Raw =
  | { kind: 'csv' | 'linked'; lines: Line[] }
  | { kind: 'semicolons' | 'empty' | 'utf16' | 'dangling' | 'pipe' | 'folder' };
type Folder = { csv: Record<string, Raw>; beside: string[] };
export type Change = {
  layout: Layout;
  before: Record<string, Folder>;
  after: Record<string, Folder>;
};

const stamps = {
  daily: (slot: number) => `2026-01-${String(slot + 1).padStart(2, '0')}`,
  intraday: (slot: number) => `2026-03-04T15:${String(slot).padStart(2, '0')}:00Z`,
};
const badStamps = {
  daily: ['2026-02-30', 'never', '', '2026-01-01T10:00:00Z', '2999-01-01'],
  intraday: ['2026-03-04T15:00:30Z', '2026-03-04T15:00:00', '2026-03-04T15:00+25:00', 'never', ''],
};
/** Oddities do not hide each other only when some files have few of them. */
type Style = { ends: string[]; isOdd: boolean };
const styles: Style[] = [
  { ends: ['\n'], isOdd: false },
  { ends: ['\n'], isOdd: true },
  { ends: ['\r\n'], isOdd: false },
  { ends: ['\r'], isOdd: false },
  { ends: ['\n', '\n', '\r\n', '\r'], isOdd: false },
  { ends: ['\n', '\n', '\r\n', '\r'], isOdd: true },
];
const plainNotes = ['', 'x', '"', 'a"b'].map((text) => Buffer.from(text));
const oddNotes = [
  ...['é', '€', '–'].map((text) => Buffer.from(text)),
  ...[[0x80], [0xe9, 0x9f], [0], [0xff, 0xfe]].map((bytes) => Buffer.from(bytes)),
];
const row = (stamp: string, prices: string, note: Buffer) =>
  Buffer.concat([Buffer.from(`${stamp},${prices},1,`), note]);

const lineOf = (layout: Layout, { ends, isOdd }: Style): fc.Arbitrary<Line> => {
  const slot = fc.integer({ min: 0, max: 20 });
  const note = fc.constantFrom(...plainNotes, ...(isOdd ? oddNotes : []));
  const price = fc.integer({ min: 1, max: 999 }).map((p) => `${p},${p},${p},${p}`);
  const stampOf = stamps[layout];
  const good = fc
    .tuple(slot, price, note)
    .map(([at, prices, text]) => ({ text: row(stampOf(at), prices, text), slot: at }));
  const plainBad = fc.oneof(
    fc.tuple(fc.constantFrom(...badStamps[layout]), price, note).map((of) => row(...of)),
    fc
      .tuple(slot, fc.constantFrom('oops,1,1,1', '1,0,1,1', '1_0,1,1,1', '-1,1,-1,1'))
      .map(([at, prices]) => row(stampOf(at), prices, Buffer.from(''))),
    fc.constantFrom('x', '""', ',,,', '"').map((text) => Buffer.from(text)),
    fc.tuple(slot, price).map(([at, prices]) => row(stampOf(at), prices, Buffer.from('a,b'))),
  );
  const oddBad = fc.oneof(
    fc.constantFrom('€', '\u0000', '\u0001').map((text) => Buffer.from(text)),
    slot.map((at) => row(stampOf(at), '1,1,1,1\u0001', Buffer.from(''))),
    fc.tuple(slot, price).map(([at, of]) => row(stampOf(at), of, Buffer.alloc(70_000, 'x'))),
  );
  const bad = isOdd ? fc.oneof(plainBad, oddBad) : plainBad;
  const blank = fc.constantFrom('', ' ', '\t ').map((text) => Buffer.from(text));
  return fc
    .tuple(
      fc.oneof(
        { weight: 6, arbitrary: good },
        { weight: 2, arbitrary: bad.map((text) => ({ text, slot: null })) },
        { weight: 1, arbitrary: blank.map((text) => ({ text, slot: null })) },
      ),
      fc.constantFrom(...ends),
    )
    .map(([line, end]) => ({ ...line, end }));
};

const rawOf = (layout: Layout, isOdd: boolean): fc.Arbitrary<Raw> => {
  const lines = fc
    .constantFrom(...styles)
    .chain((style) => fc.array(lineOf(layout, style), { maxLength: 12 }));
  const csv = fc.record({ kind: fc.constantFrom('csv' as const, 'linked' as const), lines });
  const kinds = ['semicolons', 'empty', 'utf16', 'dangling', 'pipe', 'folder'] as const;
  const odd = fc.record({ kind: fc.constantFrom(...kinds) });
  return isOdd ? fc.oneof({ weight: 5, arbitrary: csv }, { weight: 1, arbitrary: odd }) : csv;
};

const folderOf = (layout: Layout, isOdd: boolean): fc.Arbitrary<Folder> =>
  fc.record({
    csv: fc.dictionary(fc.constantFrom('a.csv', 'b.csv', 'c.CSV'), rawOf(layout, isOdd), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    beside: fc.uniqueArray(fc.constantFrom('notes.txt', 'x.csv.gz', 'deep/er.txt'), {
      maxLength: 2,
    }),
  });

/** Folders of two instruments as they are, and as they are found the next time. */
export const changes: fc.Arbitrary<Change> = fc
  .constantFrom<Layout>('daily', 'intraday')
  .chain((layout) =>
    fc.record({
      layout: fc.constant(layout),
      before: fc.record({ ES: folderOf(layout, false), NQ: folderOf(layout, true) }),
      after: fc.record({ ES: folderOf(layout, true), NQ: folderOf(layout, true) }),
    }),
  );

const headers = { daily: 'date', intraday: 'timestamp_utc' };
const headerOf = (layout: Layout) => `${headers[layout]},open,high,low,close,volume,note\n`;
const placeOf = (layout: Layout, instrument: string) =>
  join('raw', instrument, layout === 'daily' ? '' : '1m/2026');

/** Puts a folder down as it is described, links and pipes included. */
async function lay(dir: string, layout: Layout, instrument: string, { csv, beside }: Folder) {
  const folder = join(dir, placeOf(layout, instrument));
  await rm(join(dir, 'raw', instrument), { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const name of beside) {
    await mkdir(dirname(join(dir, 'raw', instrument, name)), { recursive: true });
    await writeFile(join(dir, 'raw', instrument, name), 'x');
  }
  for (const [name, raw] of Object.entries(csv)) {
    const path = join(folder, name);
    const header = headerOf(layout);
    if (raw.kind === 'csv' || raw.kind === 'linked') {
      const content = Buffer.concat([
        Buffer.from(header),
        ...raw.lines.flatMap(({ text, end }) => [text, Buffer.from(end)]),
      ]);
      const target = raw.kind === 'csv' ? path : join(dir, 'store', `${instrument}-${name}`);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
      if (target !== path) await symlink(target, path);
    } else if (raw.kind === 'semicolons') await writeFile(path, header.replaceAll(',', ';'));
    else if (raw.kind === 'empty') await writeFile(path, '');
    else if (raw.kind === 'utf16') await writeFile(path, `\uFEFF${header}`, 'utf16le');
    else if (raw.kind === 'dangling') await symlink('nowhere.csv', path);
    else if (raw.kind === 'pipe') execFileSync('mkfifo', [path]);
    else await mkdir(path);
  }
}

const isReadable = (raw: Raw): raw is Extract<Raw, { lines: Line[] }> => 'lines' in raw;
const isBlank = ({ text }: Line) => /^[ \t]*$/.test(text.toString('latin1'));
/** As any editor numbers them: a return, a newline, or both together end a line. */
function numbered(lines: Line[]): (Line & { line: number })[] {
  let line = 2;
  let before: Line | null = null;
  return lines.flatMap((one) => {
    // A return and the newline of an empty line after it are one end of a line.
    const isJoined = before?.end === '\r' && one.text.length === 0 && one.end === '\n';
    before = one;
    return isJoined ? [] : [{ ...one, line: line++ }];
  });
}

/** What has to come out of a folder: each bar with its price, and each rejected line. */
function expected(folder: Folder) {
  const bars = new Map<number, number>();
  const rejects: string[] = [];
  let lines = 0;
  for (const [name, raw] of Object.entries(folder.csv).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    for (const one of numbered(isReadable(raw) ? raw.lines : [])) {
      if (isBlank(one)) continue;
      lines += 1;
      if (one.slot === null) rejects.push(`${name}:${one.line}`);
      else bars.set(one.slot, Number(one.text.toString('latin1').split(',')[1]));
    }
  return { bars, rejects: rejects.toSorted(), lines };
}

type Project = Awaited<ReturnType<typeof makeProject>>;
async function foundIn(project: Project, layout: Layout, instrument: string) {
  const manifest = JSON.parse(await project.text(`out/manifests/${instrument}.json`));
  const rows =
    layout === 'daily'
      ? await project.rows(`out/${instrument}.parquet`)
      : await project.allRows(`out/${instrument}`).catch(() => []);
  const slotOf = (timestamp: string) =>
    layout === 'daily' ? Number(timestamp.slice(8, 10)) - 1 : Number(timestamp.slice(14, 16));
  return {
    inputs: Object.keys(manifest.inputs),
    counts: manifest.counts as Record<string, number>,
    bars: rows.map((bar) => [slotOf(String(bar['timestamp'])), bar['open']]),
    rejects: await rejectsOf(project, instrument),
  };
}

async function rejectsOf(project: Project, instrument: string): Promise<string[]> {
  const text = await project.text(`out/rejects/${instrument}.csv`).catch(() => '');
  const named = text.matchAll(/^[^\n,]*\/([abc]\.(?:csv|CSV)),(\d+),/gm);
  return [...named].map(([, name, line]) => `${name}:${line}`).toSorted();
}

const filesOf = async (dir: string, instrument: string) =>
  (await readdir(join(dir, 'raw', instrument), { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() || /\.csv$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, 'raw').length + 1));

/**
 * Every byte of input is in the output, in the rejects, counted as duplicate, or named: as left
 * out, or with the instrument that failed, whose output is what it was.
 */
export async function conserves({ layout, before, after }: Change): Promise<void> {
  await using project = await makeProject();
  await project.write('raw/YM/README', 'x');
  await lay(project.dir, layout, 'YM', {
    beside: [],
    csv: {
      'a.csv': {
        kind: 'csv',
        lines: [{ text: row(stamps[layout](1), '1,1,1,1', Buffer.from('')), slot: 1, end: '\n' }],
      },
    },
  });
  for (const folders of [before, after]) {
    const old = await project.state('out').catch(() => ({}) as Record<string, string>);
    for (const [name, folder] of Object.entries(folders))
      await lay(project.dir, layout, name, folder);
    const { outputs } = await project.run(translator, {
      raw: 'raw',
      out: 'out',
      layout,
      max_reject_ratio: 1,
      on_failure: 'partial',
      workers: 1,
    });
    const { failed, left_out: leftOut } = outputs as Record<string, Record<string, string>>;
    for (const [name, folder] of Object.entries(folders)) {
      const wasMade = `out/manifests/${name}.json` in old;
      const raws = Object.values(folder.csv);
      const mustFail =
        raws.some((raw) => !isReadable(raw) && (raw.kind !== 'semicolons' || wasMade)) ||
        (wasMade && raws.length === 0);
      if (mustFail && raws.some(isReadable)) expect(Object.keys(failed!)).toContain(name);
      const isNamed = (path: string) =>
        Object.keys(leftOut!).some((one) => path === one || path.startsWith(`${one}/`));
      if (name in failed!) {
        // Too many rejects: all of them are listed, so that the user finds them.
        const isRefused = failed![name]!.startsWith('too-many-rejects');
        if (isRefused) expect(await rejectsOf(project, name)).toEqual(expected(folder).rejects);
        const mine = (state: Record<string, string>) =>
          Object.entries(state).filter(
            ([path]) => path.includes(`/${name}`) && !(isRefused && path.includes('/rejects/')),
          );
        expect(mine(await project.state('out'))).toEqual(mine(old));
        for (const [file, raw] of Object.entries(folder.csv))
          if (!isReadable(raw)) expect(failed![name]).toContain(file);
        continue;
      }
      expect(mustFail && raws.some(isReadable)).toBe(false);
      const isMade = (outputs!['instruments'] as string[]).includes(name);
      const found = isMade ? await foundIn(project, layout, name) : null;
      for (const path of await filesOf(project.dir, name))
        expect([path, isNamed(path) || found?.inputs.includes(path)]).toEqual([path, true]);
      if (!found) continue;
      const { bars, rejects, lines } = expected(folder);
      expect(found.bars).toEqual([...bars].toSorted(([a], [b]) => a - b));
      expect(found.rejects).toEqual(rejects);
      const { rows = 0, rejected = 0, duplicates = 0 } = found.counts;
      expect(rows + rejected + duplicates).toBe(lines);
    }
  }
  // Nothing of it is written where it does not belong.
  await expect(stat(join(project.dir, 'raw/YM'))).resolves.toBeDefined();
}
