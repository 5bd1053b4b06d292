import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { printTail } from './ratio.ts';

const cli = fileURLToPath(new URL('../bin/stagewright.mjs', import.meta.url));
const askEveryMs = 20;

const pipelines = (): Record<string, { name: string; run: string[]; grace?: string }> => ({
  burns: {
    name: 'burn',
    run: [
      'sh',
      '-c',
      `for loop in ${'x '.repeat(4 * availableParallelism())}; do while :; do :; done & done; wait`,
    ],
  },
  // Says when it speaks, so that whoever hears it knows how late that is.
  beats: {
    name: 'beat',
    run: [
      process.execPath,
      '-e',
      `setInterval(() => console.log('::stagewright {"progress":{"done":' + Date.now() + '}}'), 50)`,
    ],
  },
  waits: { name: 'wait', run: ['sleep', '600'] },
});

type Service = { url: string; stop(): Promise<void> };
/**
 * A service of its own, as people run it: what it is given of the processors is what is measured.
 */
const serve = async (dir: string): Promise<Service> => {
  await mkdir(join(dir, 'pipelines'), { recursive: true });
  for (const [name, stage] of Object.entries(pipelines()))
    await writeFile(
      join(dir, 'pipelines', `${name}.json`),
      JSON.stringify({ name, stages: [stage] }),
    );
  const service = spawn(process.execPath, [cli, 'serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: dir,
  });
  const [line] = (await once(service.stdout, 'data')) as [Buffer];
  return {
    url: (JSON.parse(String(line)) as { url: string }).url,
    stop: async () => {
      service.kill('SIGTERM');
      await once(service, 'exit');
    },
  };
};

const ask = async (url: string, method = 'GET'): Promise<{ state: string; ms: number }> => {
  const begun = performance.now();
  const response = await fetch(url, { method });
  const { state } = (await response.json()) as { state: string };
  return { state, ms: performance.now() - begun };
};
const untilState = async (
  url: string,
  pipeline: string,
  wanted: (state: string) => boolean,
): Promise<void> => {
  while (!wanted((await ask(`${url}/api/pipeline/status?pipeline=${pipeline}`)).state))
    await sleep(askEveryMs);
};
const isOver = (state: string): boolean => ['STOPPED', 'FAILED', 'DONE', 'IDLE'].includes(state);

type Taken = { status: number[]; stop: number[]; heard: number[] };
/**
 * Milliseconds of every status, every stop, and every sign of life of a stage, from its word to our
 * ear.
 */
const measure = async (url: string, ms: number): Promise<Taken> => {
  const taken: Taken = { status: [], stop: [], heard: [] };
  const over = performance.now() + ms;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events?v=1&pipeline=beats`);
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as {
      ephemeral?: boolean;
      event?: string;
      data?: { done: number };
    };
    // Heartbeats are ephemeral, too, and say no time.
    if (frame.ephemeral && frame.event === 'progress' && frame.data)
      taken.heard.push(Date.now() - frame.data.done);
  });
  await Promise.all([
    (async () => {
      for (; performance.now() < over; await sleep(askEveryMs))
        taken.status.push((await ask(`${url}/api/pipeline/status?pipeline=beats`)).ms);
    })(),
    (async () => {
      while (performance.now() < over) {
        await ask(`${url}/api/pipelines/waits/runs`, 'POST');
        await untilState(url, 'waits', (state) => state === 'RUNNING_WAIT');
        taken.stop.push((await ask(`${url}/api/pipeline/stop?pipeline=waits`, 'POST')).ms);
        await untilState(url, 'waits', isOver);
      }
    })(),
  ]);
  socket.close();
  return taken;
};

/**
 * S60: status, stop and signs of life while a stage burns every core, against the same on an idle
 * machine.
 */
export const benchBurningCores = async (dir: string, ms: number): Promise<void> => {
  const place = join(dir, 'burning');
  const { url, stop } = await serve(place);
  try {
    await ask(`${url}/api/pipelines/beats/runs`, 'POST');
    await measure(url, ms / 5);
    const idle = await measure(url, ms);
    await ask(`${url}/api/pipelines/burns/runs`, 'POST');
    await untilState(url, 'burns', (state) => state === 'RUNNING_BURN');
    const burning = await measure(url, ms);
    for (const [what, key] of [
      ['GET status', 'status'],
      ['POST stop', 'stop'],
      // A look every 200 ms at what a stage has said since: half of that is waiting.
      ['a sign of life of a stage, heard', 'heard'],
    ] as const)
      printTail({
        what: `${what} while every core burns`,
        ours: burning[key],
        idle: idle[key],
        goalMs: key === 'heard' ? 400 : 200,
      });
  } finally {
    await stop();
    await rm(place, { recursive: true });
  }
};
