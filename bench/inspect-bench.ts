import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from '../server/server.ts';
import type { Place } from './place.ts';
import type { Ratio } from './ratio.ts';
import { runsPerSecond } from './runs-bench.ts';

/** A viewer in a process of its own, that reads all it gets and says how many frames it had. */
const reader = `
  const { WebSocket } = await import('ws');
  let frames = 0;
  const socket = new WebSocket(process.argv[1], { perMessageDeflate: false });
  socket.on('message', () => { frames += 1; });
  socket.on('open', () => process.stdout.write('open\\n'));
  process.stdin.on('data', () => process.stdout.write(frames + '\\n'));
`;
const look = async (url: string): Promise<ChildProcess> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', reader, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
};
const framesOf = async (child: ChildProcess): Promise<number> => {
  child.stdin?.write('\n');
  const [said] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  return Number(said);
};
const middle = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/**
 * Runs a second with one who looks at all of them against none, in turns; and none against none, which
 * is what the machine itself makes of a difference.
 */
export const benchInspect = async (
  place: Place,
  times: number,
  lanes: number,
  rounds: number,
): Promise<{ ratios: Ratio[]; framesARun: number }> => {
  const { orchestrator, parts } = place;
  const ours = createServer({
    orchestrator,
    clock: parts.clock,
    logger: parts.logger,
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    version: 'bench',
  });
  const { url } = await ours.listen();
  const alone: number[] = [];
  const again: number[] = [];
  const watched: number[] = [];
  let frames = 0;
  const perSecond = () => runsPerSecond(place, times, lanes);
  await perSecond();
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await perSecond());
    const viewer = await look(`${url.replace('http', 'ws')}/ws/inspect`);
    watched.push(await perSecond());
    frames += await framesOf(viewer);
    viewer.kill();
    again.push(await perSecond());
  }
  await ours.close();
  const limit = middle([...alone, ...again]);
  const goal = { kind: 'at least', ratio: 0.95 } as const;
  const of = { unit: 'runs/s', goal };
  return {
    framesARun: frames / (rounds * times),
    ratios: [
      {
        what: 'runs, nobody looks at the inspection feed, in turns',
        ours: middle(again),
        limit: middle(alone),
        ...of,
      },
      { what: 'runs, one looks at all of them', ours: middle(watched), limit, ...of },
    ],
  };
};
