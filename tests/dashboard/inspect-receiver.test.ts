import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import type { InspectionFrame } from '../../wire/inspection.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { faultsOf, look, looking } from '../support/inspector.ts';
import { ended, startRequest } from '../support/service.ts';
import { launchBrowser, visit } from './browser.ts';

/**
 * The package as it is published, for a browser: one file, nothing of ours in it. Made in a process
 * of its own: the bundler does not know the values of a test's realm.
 */
const bundler = `
  import { build } from 'vite';
  const [built] = [await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, lib: { entry: process.argv[1], formats: ['es'] } },
  })].flat();
  process.stdout.write(built.output[0].code);
`;
const receiverModule = async (): Promise<string> => {
  const entry = fileURLToPath(import.meta.resolve('@statelyai/inspect'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', bundler, entry],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), maxBuffer: 16 * 1024 ** 2 },
  );
  return stdout;
};

let browser: Browser;
let on: Served;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(() => on.close());

type Seen = { frames: Record<string, InspectionFrame[]> };

test('in a browser the stock receiver shows a live run and the same run when it is over', async () => {
  on = await serveHttp({
    pipelines: { 'p.yaml': 'name: p\nstages:\n  - { name: one, run: ["true"] }\n' },
  });
  const code = await receiverModule();
  const { page, context, faults } = await visit(browser, on.url);
  await context.route('**/receiver.js', (route) =>
    route.fulfill({ contentType: 'text/javascript', body: code }),
  );
  // Any page of the service: what another site's page asks for is refused.
  await page.goto('/api/health');
  const receive = (path: string): Promise<void> =>
    page.evaluate(async (where) => {
      const { createWebSocketReceiver } = await import(`${location.origin}/receiver.js`);
      const seen = window as unknown as Seen;
      const mine: InspectionFrame[] = [];
      seen.frames = { ...seen.frames, [where]: mine };
      createWebSocketReceiver({ server: `ws://${location.host}${where}` }).subscribe(
        (frame: InspectionFrame) => mine.push(frame),
      );
    }, path);
  const framesOf = async (path: string, count: number): Promise<InspectionFrame[]> => {
    await page.waitForFunction(
      ([where, least]) =>
        ((window as unknown as Seen).frames[String(where)]?.length ?? 0) >= Number(least),
      [path, count],
    );
    return page.evaluate((where) => (window as unknown as Seen).frames[where] ?? [], path);
  };
  await receive('/ws/inspect');
  await looking(on, 1);
  const { status } = await on.orchestrator.start(startRequest('p'));
  const runId = status.run_id as string;
  await ended(on.orchestrator, runId);
  const inNode = look(on.url, `/ws/inspect/${runId}`);
  await inNode.closed;
  const { length } = inNode.frames;
  expect(length).toBeGreaterThan(20);
  expect(await framesOf('/ws/inspect', length)).toEqual(inNode.frames);
  await receive(`/ws/inspect/${runId}`);
  const later = await framesOf(`/ws/inspect/${runId}`, length);
  expect(later).toEqual(inNode.frames);
  expect(faultsOf(later)).toEqual([]);
  expect(faults).toEqual([]);
  await context.close();
});
