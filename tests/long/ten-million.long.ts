import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sampleFiles } from '../../stages/builtin/sample-bars/files.ts';
import { startStage } from '../stages/stage-process.ts';

const limitMb = 512;
let dir: string;
let bars = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-long-'));
  for (const file of sampleFiles({
    instruments: ['ES', 'NQ'],
    from: '2008-01-07',
    days: 5270,
    seed: 1,
    awkward: true,
  })) {
    await mkdir(dirname(join(dir, 'raw', file.path)), { recursive: true });
    await writeFile(join(dir, 'raw', file.path), file.text);
    bars += file.bars.length;
  }
});
afterAll(() => rm(dir, { recursive: true }));

/** The highest resident memory that the kernel has seen of a process. */
const peakMb = (pid: number): number => {
  try {
    return (
      Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
    );
  } catch {
    return 0;
  }
};

async function run(stage: string, options: Record<string, unknown>, attempt = 1) {
  const begun = performance.now();
  const child = await startStage(dir, stage, options, attempt);
  let peak = 0;
  const watching = setInterval(() => {
    peak = Math.max(peak, peakMb(child.pid as number));
  }, 50);
  let lastSaid = performance.now();
  let silence = 0;
  child.stdout!.on('data', () => {
    silence = Math.max(silence, performance.now() - lastSaid);
    lastSaid = performance.now();
  });
  const [code] = await once(child, 'exit');
  clearInterval(watching);
  const seconds = (performance.now() - begun) / 1000;
  process.stdout.write(
    `${stage.padEnd(12)} ${seconds.toFixed(1)} s  ${Math.round(bars / seconds)} bars/s  peak ${peak.toFixed(0)} MB  longest silence ${silence.toFixed(0)} ms\n`,
  );
  const outputs = JSON.parse(
    await readFile(join(dir, 'attempts', `${stage}-${attempt}`, 'outputs.json'), 'utf8'),
  );
  return { code, peak, silence, outputs };
}

test('ten million bars go through every stage in less than 512 MB each, and no stage is silent for long', async () => {
  expect(bars).toBeGreaterThan(10_000_000);
  const stages: [string, Record<string, unknown>][] = [
    ['translator', { raw: 'raw', out: 't', layout: 'intraday' }],
    ['analyzer', { in: 't', out: 'a' }],
    ['merger', { in: 'a', out: 'm' }],
    ['report', { in: 'm', out: 'r' }],
  ];
  for (const [stage, options] of stages) {
    const { code, peak, silence, outputs } = await run(stage, options);
    expect([stage, code]).toEqual([stage, 0]);
    expect(peak).toBeLessThan(limitMb);
    // Progress is said twice a second; the rest is a busy machine.
    expect(silence).toBeLessThan(5000);
    if (stage === 'translator') expect(outputs.rows).toBe(bars);
  }
});

test.each([
  ['translator', { raw: 'raw', out: 't2', layout: 'intraday' }, /looking at ES/],
  ['translator', { raw: 'raw', out: 't2', layout: 'intraday' }, /rows/],
  ['analyzer', { in: 't', out: 'a2' }, /exits/],
])(
  'the %s is gone within a second of SIGTERM, in the middle of ten million bars',
  async (stage, options, atWork) => {
    const child = await startStage(dir, stage, options, 2);
    const said = Promise.withResolvers<void>();
    child.stdout!.on('data', (chunk: Buffer) => atWork.test(chunk.toString()) && said.resolve());
    await said.promise;
    const told = performance.now();
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(performance.now() - told).toBeLessThan(1000);
  },
);
