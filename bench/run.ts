/**
 * `npm run bench`: what the service costs on top of the work, as ratios against limits measured in
 * the same run. Figures are for people; tests never assert them.
 */
import { loadPipelines } from '../services/pipelines/pipelines.ts';
import { benchBurningCores } from './burning-cores.ts';
import { benchCommit } from './commit.ts';
import { benchFanOut } from './fan-out.ts';
import { benchHistory } from './history-bench.ts';
import { benchStatus } from './http.ts';
import { benchInspect } from './inspect-bench.ts';
import { openPlace } from './place.ts';
import { printFigure, printRatio } from './ratio.ts';
import { benchRun, benchThroughput } from './runs-bench.ts';
import { measureStart } from './start-bench.ts';

const lanes = 8;
const place = await openPlace(lanes);
try {
  const { coldMs, idleMb } = await measureStart(place.dir);
  printFigure('cold start to listening', coldMs, 'ms');
  printFigure('idle memory, service and launcher', idleMb, 'MB');
  printRatio(await benchRun(place, 200));
  printRatio(await benchThroughput(place, 800, lanes));
  const { ratios, framesARun } = await benchInspect(place, 200, lanes, 5);
  for (const ratio of ratios) printRatio(ratio);
  printFigure('frames of such a run', framesARun, '');
  const sample = (await loadPipelines(`${place.dir}/pipelines`)).pipelines.get('p0');
  if (sample) printRatio(await benchCommit(place, sample.definition, 1000));
  printRatio(await benchStatus(place, 20_000));
  const { ratio, eventsPerSecond } = await benchFanOut(place, 1000, 8);
  printRatio(ratio);
  printFigure('events to 1,000 subscribers, put together', eventsPerSecond, '/s');
  await benchHistory(place.dir);
  await benchBurningCores(place.dir, 10_000);
} finally {
  await place.close();
}
