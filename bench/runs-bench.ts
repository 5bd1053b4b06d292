import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultLimits } from '../definition/stage-fields.ts';
import { type Place, runOnce } from './place.ts';
import { medianMs, type Ratio } from './ratio.ts';

/** The same three gated commands with nothing around them: launch, open, wait for the exit. */
const bareRun = async ({ parts, dir }: Place, id: string): Promise<void> => {
  for (const stage of ['a', 'b', 'c']) {
    const folder = join(dir, 'bare', id, stage);
    await mkdir(folder, { recursive: true });
    const launched = await parts.launcher.launch({
      argv: ['/bin/true'],
      cwd: dir,
      env: { PATH: '/usr/bin:/bin' },
      stdoutPath: join(folder, 'stdout.log'),
      stderrPath: join(folder, 'stderr.log'),
      exitPath: join(folder, 'exit.json'),
      graceMs: 0,
      limits: defaultLimits,
    });
    launched.open();
    await launched.exited;
  }
};

/** One three-stage run of /bin/true against the same commands bare. */
export const benchRun = async (place: Place, times: number): Promise<Ratio> => ({
  what: 'a run of three stages /bin/true, one at a time',
  limit: await medianMs(times, (index) => bareRun(place, `one-${index}`)),
  ours: await medianMs(times, () => runOnce(place, 'p0')),
  unit: 'ms    ',
  goal: { kind: 'at most', ratio: 1.3 },
});

const perSecond = async (
  times: number,
  lanes: number,
  run: (lane: number, index: number) => Promise<void>,
): Promise<number> => {
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let index = 0; index < times / lanes; index += 1) await run(lane, index);
    }),
  );
  return times / ((performance.now() - begun) / 1000);
};

/** Runs of three stages a second. */
export const runsPerSecond = (place: Place, times: number, lanes: number): Promise<number> =>
  perSecond(times, lanes, (lane) => runOnce(place, `p${lane}`));

export const benchThroughput = async (
  place: Place,
  times: number,
  lanes: number,
): Promise<Ratio> => {
  await runsPerSecond(place, lanes * 4, lanes);
  return {
    what: `runs of three stages, ${lanes} at once`,
    limit: await perSecond(times, lanes, (lane, index) => bareRun(place, `many-${lane}-${index}`)),
    ours: await runsPerSecond(place, times, lanes),
    unit: 'runs/s',
    goal: { kind: 'at least', ratio: 0.8 },
  };
};
