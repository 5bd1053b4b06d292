import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const sh = (text: string): string => JSON.stringify(['sh', '-c', text]);
const pipelines = {
  // Two attempts fail; the third one waits for the file `go`.
  'held.yaml': `name: held
stages:
  - { name: first, run: ["true"] }
  - name: second
    run: ${sh('[ "$STAGEWRIGHT_ATTEMPT" -gt 2 ] || exit 7; until [ -e go ]; do sleep 0.02; done')}
    retry: { limit: 2, backoff: { initial: 5ms, jitter: 0 } }
`,
  'again.yaml': `name: again
params: { day: { type: string, default: "2026-11-24" } }
stages:
  - { name: only, run: ["false"], retry: { limit: 5, backoff: { initial: 5ms, jitter: 0 } } }
`,
  'quick.yaml': 'name: quick\nstages:\n  - { name: only, run: ["true"] }\n',
};

let browser: Browser;
let served: Served;
/** A run of `again` that is over: six attempts failed. */
let over: string;
let watched: Watched;
let page: Page;
const start = async (pipeline: string): Promise<string> =>
  (await served.orchestrator.start(startRequest(pipeline, { trigger: 'manual' }))).status
    .run_id as string;
beforeAll(async () => {
  browser = await launchBrowser();
  served = await serveHttp({ pipelines });
  over = await start('again');
  await ended(served.orchestrator, over);
});
afterAll(async () => {
  await served.close();
  await browser.close();
});
beforeEach(async () => {
  watched = await visit(browser, served.url, { width: 1440, height: 900 });
  page = watched.page;
});
afterEach(() => watched.context.close());

const frames = () => page.getByRole('listbox', { name: 'Frames' });
const chosen = () => page.locator('[data-chosen]');
const side = () => page.getByRole('region', { name: 'The chosen step' });
const output = () => page.locator('.playback output');
const open = async (id: string, query = ''): Promise<void> => {
  await page.goto(`/inspect/${id}${query}`);
  await page.locator('.chart-state').first().waitFor();
  await page.getByRole('listbox').waitFor();
};
/** What the clipboard holds, as JSON. */
const copied = async () =>
  JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as unknown;

test('a run that is over is told whole: from its page to its first failed attempt, with the guards and what they judged', async () => {
  await page.goto(`/runs/${over}`);
  await page.getByRole('link', { name: 'Inspect', exact: true }).click();
  await page.waitForURL(`/inspect/${over}`);
  await page.getByText('Whole', { exact: true }).waitFor();
  await output()
    .getByText(/Step (\d+) of \1/)
    .waitFor();
  await page.getByRole('button', { name: /^State failed, reached/ }).waitFor();
  await frames().getByText('failed: ended with exit code 1').last().waitFor();

  // The state that the chart is asked about leads to the step that enters it.
  await page.getByRole('button', { name: /^State backingOff/ }).press('Enter');
  await page.getByRole('button', { name: /^State backingOff, current/ }).waitFor();
  await output().getByText('Step 3 of').waitFor();
  await side().getByText('canRetry · attempt 1 < 6').waitFor();
  await side().getByText('only › attempting → backingOff').waitFor();
  await side().getByText('sayFailed, scheduleRetry, sayRetrying').waitFor();
  // At the last one the guard said no.
  const failing = page.getByRole('button', { name: /^State failing/ });
  await failing.press('Enter');
  await side().getByText('canRetry · attempt 6 ≥ 6').waitFor();
  expect(watched.faults).toEqual([]);
});

test('the keyboard steps through frames and steps, the address follows, and a link leads to the same frame', async () => {
  await open(over, '?at=3');
  await side().getByText('Step 3 at').waitFor();
  const before = await chosen().getAttribute('id');
  await page.keyboard.press('k');
  await until(async () => (await chosen().getAttribute('id')) !== before);
  await page.keyboard.press('j');
  await until(async () => (await chosen().getAttribute('id')) === before);
  await page.keyboard.press('.');
  await output().getByText('Step 4 of').waitFor();
  await page.waitForURL(/at=4\.\d+/);
  await page.reload();
  await output().getByText('Step 4 of').waitFor();
  await frames().focus();
  await page.keyboard.press('Home');
  await output().getByText('Step 0 of').waitFor();
  await page.keyboard.press('ArrowDown');
  await chosen().getByText('xstate.init').waitFor();
  // The list names the option that it stands on.
  const named = await frames().getAttribute('aria-activedescendant');
  expect(named).toBe(await chosen().getAttribute('id'));
  expect(watched.faults).toEqual([]);
});

test('a live run is followed; whoever chooses a step stays there until he follows again; then it is over and whole', async () => {
  const id = await start('held');
  await eventually(
    served.orchestrator,
    async () => (await served.orchestrator.run(id)).stages[1]?.attempt === 3,
  );
  await open(id);
  await page.getByText('Feed: live').waitFor();
  const follow = page.getByRole('checkbox', { name: 'Follow the newest' });
  expect(await follow.isChecked()).toBe(true);
  await page.getByRole('button', { name: /^State attempting, current/ }).waitFor();
  await page.keyboard.press(',');
  const stayed = await output().textContent();
  expect(await follow.isChecked()).toBe(false);
  await writeFile(join(served.dir, 'go'), '');
  await page.getByText('Whole', { exact: true }).waitFor();
  const at = /Step (\d+)/;
  expect(at.exec((await output().textContent()) ?? '')?.[1]).toBe(at.exec(stayed ?? '')?.[1]);
  await follow.check();
  await page.getByRole('button', { name: /^State done, reached/ }).waitFor();
  // Played, it goes by itself through all that happened and stops at the end.
  await page.evaluate(() => {
    const shown = document.querySelector('.playback output') as HTMLElement;
    const seen = new Set<string>();
    new MutationObserver(() => {
      seen.add(/Step (\d+)/.exec(shown.textContent ?? '')?.[1] ?? '');
      document.body.dataset['seen'] = [...seen].join();
    }).observe(shown, { subtree: true, childList: true, characterData: true });
  });
  await page.getByLabel('Speed').selectOption('64');
  await page.getByRole('button', { name: 'Play' }).click();
  const last = /of (\d+)/.exec((await output().textContent()) ?? '')?.[1];
  const all = Array.from({ length: Number(last) + 1 }, (_, n) => n).join();
  await until(() => page.evaluate((wanted) => document.body.dataset['seen'] === wanted, all));
  await page.getByRole('button', { name: 'Play' }).waitFor();
  expect(watched.faults).toEqual([]);
});

test('frames are filtered by type, actor and text, and copied one, selected and all', async () => {
  await watched.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(over);
  await page.getByRole('checkbox', { name: /^microstep/ }).press('Space');
  await until(async () => (await frames().locator('[data-kind]').count()) > 0);
  const kinds = () =>
    frames()
      .locator('[data-kind]')
      .evaluateAll((rows) => [...new Set(rows.map((row) => row.getAttribute('data-kind')))]);
  await until(async () => (await kinds()).join() === 'microstep');
  await page.getByRole('button', { name: 'Clear' }).click();

  await page.getByRole('button', { name: /^preflight/ }).click();
  await page.getByText(/^4 of \d+ frames of preflight$/).waitFor();
  await page.waitForURL(/actor=preflight/);
  await page.getByRole('button', { name: 'Copy all 4' }).click();
  await until(async () => JSON.stringify(await copied().catch(() => null)).includes('preflight@1'));
  expect(await copied()).toHaveLength(4);
  await page.getByRole('button', { name: 'Clear' }).click();

  await page.keyboard.press('/');
  await page.keyboard.type('2026-11-24');
  // Only what holds the parameter: the first event and the snapshots are masked nowhere else.
  await page.getByText(/^\d+ of \d+ frames$/).waitFor();
  expect(await frames().getByText('xstate.init').count()).toBeGreaterThan(0);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('nothing has this');
  await page.getByText('No frame matches the filter.').waitFor();
  await page.getByRole('button', { name: 'Clear' }).click();

  await frames().focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByRole('button', { name: 'Copy the 3 selected' }).click();
  await until(async () => ((await copied()) as { id: string }[])[2]?.id === `${over}:0.2`);
  await page.getByRole('radio', { name: 'JSON' }).check();
  await side().getByRole('button', { name: 'Copy' }).click();
  await until(async () => ((await copied()) as { id?: string }).id === `${over}:0.2`);
  expect(watched.faults).toEqual([]);
});

test('any two steps are compared: what changed, what came and what went', async () => {
  await open(over, '?at=3&side=difference');
  const change = (path: string) => side().locator('.changes li', { hasText: path });
  await change('value.running.only').getByText('"backingOff"').waitFor();
  await change('value.running.only').getByText('"attempting"').waitFor();
  await side().getByLabel('A: step').fill('1');
  await side().getByLabel('B: step').fill('21');
  // From the beginning to the last attempt.
  await change('context.stages.only.attempt').getByText('6', { exact: true }).waitFor();
  await page.waitForURL(/a=1&b=21|b=21.*a=1/);
  await side().getByLabel('B: step').fill('1');
  await side().getByText('Nothing is different.').waitFor();
  await side().getByRole('button', { name: 'Each with the one before' }).click();
  await change('value.running.only').waitFor();
  await page.getByRole('radio', { name: 'Snapshot' }).check();
  const tree = side().locator('.json-tree');
  await tree.locator('[data-marked]', { hasText: 'backingOff' }).waitFor();
  await tree.getByText('stages:').click();
  await tree.getByText('only:').last().waitFor();
  expect(watched.faults).toEqual([]);
});

test('the sequence draws a retry once with how often it came, and in full when asked', async () => {
  await open(over, '?form=sequence');
  const sequence = page.getByRole('listbox', { name: 'Sequence of messages' });
  await page.locator('.seq-heads').getByText('attempt-only').waitFor();
  const fold = sequence.locator('.seq-fold').first();
  await fold.waitFor();
  expect(await fold.textContent()).toMatch(/^\d ×/);
  await sequence.focus();
  await page.keyboard.press('Home');
  await sequence.getByRole('option', { name: /^again 1 is in idle/ }).waitFor();
  await sequence
    .getByRole('option', { name: 'attempt-only to again 1: attempt-only failed' })
    .first()
    .waitFor();
  const paper = sequence.locator('.frames-paper');
  const height = async (): Promise<number> => (await paper.boundingBox())?.height ?? 0;
  const folded = await height();
  await page.getByRole('button', { name: 'Show all repeats' }).click();
  await until(async () => (await height()) > folded);
  await page.getByRole('button', { name: 'Fold repeats' }).click();
  await until(async () => (await height()) === folded);
  // A filter holds for the diagram too.
  await page.getByRole('button', { name: /^preflight/ }).click();
  await until(async () => (await height()) < folded);
  expect(watched.faults).toEqual([]);
});

test('the list shows what runs and what ran; the palette and the navigation lead there', async () => {
  await page.goto('/');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('i');
  await page.waitForURL('/inspect');
  await page.getByText('Nothing runs. A run that starts appears here by itself.').waitFor();
  await page.getByRole('link', { name: /^again 1/ }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('inspect again');
  await page.getByRole('option', { name: /^Inspect again, run 1/ }).click();
  await page.waitForURL(`/inspect/${over}`);
  await page.getByRole('link', { name: 'Run page' }).click();
  await page.waitForURL(`/runs/${over}`);
  expect(watched.faults).toEqual([]);
});

test('all that runs is followed together, and says so when nothing does', async () => {
  await page.goto('/inspect/live');
  await page.getByText('Nothing was told yet').waitFor();
  const id = await start('quick');
  await ended(served.orchestrator, id);
  await page.getByRole('button', { name: /^quick \d+/ }).waitFor();
  await frames().getByText('ADMITTED').waitFor();
  expect(watched.faults).toEqual([]);
});

test('a run that does not exist is called that', async () => {
  await page.goto('/inspect/r_00000000000000000000000000');
  await page.getByRole('heading', { name: 'Run not found' }).waitFor();
  await page.getByRole('link', { name: 'All that can be inspected' }).click();
  await page.waitForURL('/inspect');
});
