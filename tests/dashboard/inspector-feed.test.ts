import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { serveProcess } from '../support/served-process.ts';
import { ended, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';
import { launchBrowser, visit } from './browser.ts';

const pipelines = {
  'quick.yaml': 'name: quick\nstages:\n  - { name: only, run: ["true"] }\n',
  'job.yaml': `name: job
stages:
  - { name: work, grace: 200ms, run: [sh, -c, 'until [ -e go ]; do sleep 0.02; done'] }
`,
};

let browser: Browser;
let served: Served;
let id: string;
beforeAll(async () => {
  browser = await launchBrowser();
  served = await serveHttp({ pipelines });
  id = (await served.orchestrator.start(startRequest('quick'))).status.run_id as string;
  await ended(served.orchestrator, id);
});
afterAll(async () => {
  await served.close();
  await browser.close();
});

const frames = (page: Page) => page.getByRole('listbox', { name: 'Frames' });
/** The feed of the service, and after its last frame what the test adds. */
const withMore = (page: Page, more: readonly string[]): Promise<void> =>
  page.routeWebSocket(/\/ws\/inspect\//, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => socket.send(message));
    server.onClose(() => {
      for (const text of more) socket.send(text);
    });
  });

test('a frame that the page does not understand is shown as it came, and harms none of the others', async () => {
  const { page, context, faults } = await visit(browser, served.url);
  await withMore(page, ['{"type":"@xstate.transition","sessionId":"x:9"}', 'no JSON at all']);
  await page.goto(`/inspect/${id}`);
  const strange = frames(page).locator('[data-kind="unknown"]');
  await until(async () => (await strange.count()) === 2);
  await strange.first().click();
  await page.getByText('This page does not understand the frame').waitFor();
  await page.locator('.step-facts').getByText('@xstate.transition').first().waitFor();
  await page.getByRole('checkbox', { name: /^not understood 2/ }).waitFor();
  await page.getByRole('button', { name: /^quick 1/ }).waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test('of ten thousand frames only those on screen have elements, in the list and in the sequence', async () => {
  const { page, context, faults } = await visit(browser, served.url);
  const event = (n: number): string =>
    JSON.stringify({
      type: '@xstate.event',
      id: `${id}:${1000 + n}.0`,
      createdAt: '1795717192620',
      sessionId: id,
      rootId: id,
      runId: id,
      seq: 1000 + n,
      verdict: 'accepted',
      cause: { kind: 'command' },
      // No two alike beside each other: nothing can be folded.
      event: { type: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.charAt((n * n) % 26) + 'X'.repeat(n % 7) },
    });
  await withMore(
    page,
    Array.from({ length: 10_000 }, (_, n) => event(n)),
  );
  await page.goto(`/inspect/${id}`);
  await page.getByText(/^10,0\d\d frames$/).waitFor();
  const rows = page.getByRole('option');
  const drawn = async (): Promise<void> => {
    await until(async () => (await rows.count()) > 5);
    expect(await rows.count()).toBeLessThan(100);
  };
  await drawn();
  await page.locator('.playback output').getByText('Step 10999 of 10999').waitFor();
  await frames(page).focus();
  await page.keyboard.press('Home');
  await page.locator('.playback output').getByText('Step 0 of').waitFor();
  await drawn();
  await page.getByRole('radio', { name: 'Sequence' }).check();
  await page.getByRole('listbox', { name: 'Sequence of messages' }).waitFor();
  await drawn();
  expect(faults).toEqual([]);
  await context.close();
});

/** Stands in for Stately: says that it is there, and keeps what it is told. */
const stately = `<!doctype html><title>stand-in</title><script>
  window.told = [];
  addEventListener('message', ({ data, origin }) => window.told.push({ data, origin }));
  window.opener.postMessage({ type: '@statelyai.connected' }, '*');
</script>`;
const standIn = async (context: BrowserContext, url: string): Promise<string[]> => {
  const asked: string[] = [];
  await context.route(url, (route) => {
    asked.push(route.request().url());
    return route.fulfill({ contentType: 'text/html', body: stately });
  });
  return asked;
};
const toldTo = (page: Page) =>
  page.evaluate(
    () => (window as unknown as { told: { data: { type: string }; origin: string }[] }).told,
  );

test('nothing leaves before somebody says so; then the frames go to Stately, and stop when told to', async () => {
  const { page, context, faults } = await visit(browser, served.url);
  const asked = await standIn(context, 'https://stately.ai/**');
  await page.goto(`/inspect/${id}`);
  await page.getByText('Whole', { exact: true }).waitFor();
  const open = page.getByRole('button', { name: 'Open in Stately…' });
  await open.click();
  const dialog = page.getByRole('dialog', { name: 'Send this run to Stately?' });
  await dialog.getByText('leaves this machine').waitFor();
  await dialog.getByText(/\d+ frames, [\d.]+ kB/).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect([asked, context.pages()]).toEqual([[], [page]]);

  await open.click();
  const popup = context.waitForEvent('page');
  await dialog.getByRole('button', { name: 'Open and send' }).click();
  const other = await popup;
  await page.getByText('Sent to stately.ai, with what comes.').waitFor();
  await until(async () =>
    (await toldTo(other)).some(({ data }) => data.type === '@xstate.snapshot'),
  );
  const told = await toldTo(other);
  expect(new Set(told.map(({ data }) => data.type))).toEqual(
    new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']),
  );
  expect(new Set(told.map(({ origin }) => origin))).toEqual(new Set([served.url]));
  expect(asked).toEqual(['https://stately.ai/inspect']);
  await page.getByRole('button', { name: 'Stop sending to stately.ai' }).click();
  await page.getByText('Nothing more is sent.').waitFor();
  expect(faults).toEqual([]);
  await context.close();
});

test('a window that is no longer Stately’s is told nothing, whatever it says', async () => {
  const { page, context } = await visit(browser, served.url);
  // Whoever answers at its address leads on to an origin of their own.
  await context.route('https://stately.ai/**', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><script>location.replace("https://elsewhere.example/inspect")</script>',
    }),
  );
  await standIn(context, 'https://elsewhere.example/**');
  await page.goto(`/inspect/${id}`);
  await page.getByText('Whole', { exact: true }).waitFor();
  await page.evaluate(() => {
    addEventListener('message', ({ origin }) => {
      document.body.dataset['heard'] = origin;
    });
  });
  await page.getByRole('button', { name: 'Open in Stately…' }).click();
  const popup = context.waitForEvent('page');
  await page.getByRole('button', { name: 'Open and send' }).click();
  const other = await popup;
  // It has spoken, and was heard.
  await until(() =>
    page.evaluate(() => document.body.dataset['heard'] === 'https://elsewhere.example'),
  );
  await page.getByText('Waiting for stately.ai. Nothing was sent yet.').waitFor();
  expect(await toldTo(other)).toEqual([]);
  await context.close();
});

describe('a service that goes and comes back', () => {
  let alone: Awaited<ReturnType<typeof serveProcess>>;
  beforeEach(async () => {
    alone = await serveProcess(pipelines);
  });
  afterEach(() => alone.close());

  test('what was told stays on the page with its age; afterwards the feed goes on without a frame twice', async () => {
    const { page, context } = await visit(browser, alone.url);
    const started = (await (
      await fetch(`${alone.url}/api/pipelines/job/runs`, {
        method: 'POST',
        body: '{}',
        headers: { 'Content-Type': 'application/json' },
      })
    ).json()) as { run_id: string };
    await page.goto(`/inspect/${started.run_id}`);
    await page.getByText('Feed: live').waitFor();
    await page.getByRole('button', { name: /^State attempting, current/ }).waitFor();
    await alone.kill();
    await page.getByText(/^Feed: reconnecting, as of/).waitFor();
    await frames(page).getByText('ADMITTED').waitFor();
    await alone.back();
    await page.getByText('Feed: live').waitFor();
    await fetch(`${alone.url}/api/runs/${started.run_id}/commands`, {
      method: 'POST',
      body: JSON.stringify({ type: 'STOP', grace_ms: 0 }),
      headers: { 'Content-Type': 'application/json' },
    });
    await page.getByRole('button', { name: /^State stopped, reached/ }).waitFor();
    await page.getByText('Whole', { exact: true }).waitFor();
    await page.getByRole('checkbox', { name: /^event/ }).press('Space');
    await frames(page).focus();
    await page.keyboard.press('Home');
    await until(async () => (await frames(page).getByText('ADMITTED').count()) === 1);
    await context.close();
  });
});
