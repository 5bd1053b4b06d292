import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../stages/listen.ts';
import { noMask } from '../../stages/mask.ts';

const count = 100_000;
const cpuOf = async (work: () => unknown): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

test.each([
  ['progress', (index: number) => `{"progress":{"done":${index}}}`],
  ['metrics of ever new names', (index: number) => `{"metric":{"m${index}":${index}}}`],
  ['outputs of ever new names', (index: number) => `{"output":{"o${index}":${index}}}`],
  ['nonsense', () => '{"metric":'],
  ['misfits', (index: number) => `{"metric":{"m":"${index}"}}`],
])(
  'REL-4: 100,000 lines of %s cost at most thirty times what it costs to read and write them as JSON',
  async (_what, of) => {
    const dir = await mkdtemp(join(tmpdir(), 'stagewright-flood-'));
    const paths = { stdout: join(dir, 'out'), stderr: join(dir, 'err') };
    const texts = Array.from({ length: count }, (_, index) => of(index));
    await writeFile(paths.stdout, texts.map((text) => `::stagewright ${text}\n`).join(''));
    const readOne = (index: number) =>
      JSON.stringify(JSON.parse(`{"metric":{"m${index}":${index}}}`));
    const calibrate = () => {
      for (let index = 0; index < count; index += 1) readOne(index);
    };
    await cpuOf(calibrate);
    const measure = await cpuOf(calibrate);
    const cost = await cpuOf(() => listen(paths, noMask).finish());
    expect(cost / measure).toBeLessThan(30);
    await rm(dir, { recursive: true });
  },
);
