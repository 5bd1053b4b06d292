import type { Browser, Page } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const pipelines = {
  'again.yaml': `name: again
stages:
  - { name: first, run: ["true"] }
  - { name: second, run: ["false"], retry: { limit: 4, backoff: { initial: 5ms, jitter: 0 } } }
  - { name: third, run: ["true"] }
`,
};

let browser: Browser;
let served: Served;
let id: string;
let watched: Watched;
beforeAll(async () => {
  browser = await launchBrowser();
  served = await serveHttp({ pipelines });
  id = (await served.orchestrator.start(startRequest('again'))).status.run_id as string;
  await ended(served.orchestrator, id);
});
afterAll(async () => {
  await served.close();
  await browser.close();
});
afterEach(() => watched.context.close());

const open = async (path: string, look: Parameters<typeof visit>[2] = {}): Promise<Page> => {
  watched = await visit(browser, served.url, look);
  await watched.page.goto(path.replace('ID', id));
  await watched.page.getByText('Live', { exact: true }).waitFor();
  await watched.page.locator('.loading').first().waitFor({ state: 'detached' });
  if (/ID|what-if/.test(path)) await watched.page.locator('.chart-state').first().waitFor();
  return watched.page;
};
const stately = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Open in Stately…' }).click();
  await page.getByRole('dialog').waitFor();
};
const simulate = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Simulate' }).click();
  await page.getByRole('region', { name: 'The simulated run' }).waitFor();
};
const screens: [string, string, ((page: Page) => Promise<void>) | null][] = [
  ['the list of runs', '/inspect', null],
  ['a run', '/inspect/ID?at=5', null],
  ['the sequence and a snapshot', '/inspect/ID?at=5&form=sequence&side=snapshot', null],
  ['a difference', '/inspect/ID?at=9&side=difference&q=second', null],
  ['a frame as JSON', '/inspect/ID?at=2&side=json', null],
  ['all that runs', '/inspect/live', null],
  ['the question about Stately', '/inspect/ID', stately],
  ['what if, of a run', '/runs/ID/what-if?version=4', null],
  ['what if, of a pipeline', '/pipelines/again/what-if', simulate],
];

test.each(screens)(
  'axe finds nothing on %s, dark, light and narrow; it fits from 320 pixels to 4K; nothing leaves the host',
  async (_, path, act) => {
    const page = await open(path, { theme: 'dark' });
    await act?.(page);
    expect(await axe(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    expect(await axe(page)).toEqual([]);
    for (const width of [320, 360, 768, 1280, 3840]) {
      await page.setViewportSize({ width, height: 4000 });
      await until(() => page.evaluate(() => document.documentElement.scrollWidth === innerWidth));
      if (width === 360) expect(await axe(page)).toEqual([]);
    }
    expect(watched.faults).toEqual([]);
  },
);

test('the focus goes through every control of the inspector, always visible and never under the bar; nothing moves', async () => {
  const page = await open('/inspect/ID?at=5', {
    width: 1440,
    height: 900,
    reducedMotion: 'reduce',
  });
  const seen: string[] = [];
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      if (element === document.body) return null;
      const { top, bottom, width, height } = element.getBoundingClientRect();
      const bar = document.querySelector('.bar')?.getBoundingClientRect().bottom ?? 0;
      const isInBar = element.closest('.bar, .skip') !== null;
      return {
        name: element.getAttribute('aria-label') ?? element.textContent ?? element.tagName,
        isVisible:
          width > 0 && height > 0 && bottom > 0 && top < innerHeight && (isInBar || bottom > bar),
        // The ring of what is drawn over is around its word, and of a state in its box.
        hasRing:
          getComputedStyle(element).outlineStyle !== 'none' ||
          element.matches('.segments input, .kinds input, .chart-press'),
      };
    });
    if (!at) break;
    expect(at).toMatchObject({ isVisible: true, hasRing: true });
    seen.push(at.name);
  }
  expect(seen).toEqual(
    expect.arrayContaining(['Step of the run', 'Frames', 'Step', 'Open in Stately…', 'What if…']),
  );
  expect(
    await page.evaluate(
      () => document.getAnimations().filter(({ playState }) => playState === 'running').length,
    ),
  ).toBe(0);
});

test('what can be pressed is at least 24 pixels high', async () => {
  for (const path of ['/inspect/ID?form=sequence&side=difference', '/runs/ID/what-if?version=4']) {
    const page = await open(path, { width: 1440, height: 900 });
    const small = await page
      .locator('main :is(button, summary, select, input:not([type=radio], [type=checkbox]))')
      .evaluateAll((all) =>
        all
          .map((element) => ({
            name: element.getAttribute('aria-label') ?? element.textContent,
            ...element.getBoundingClientRect().toJSON(),
          }))
          .filter(({ width, height }) => width > 0 && height < 24)
          .map(({ name, width, height }) => `${name}: ${width} × ${height}`),
      );
    expect(small).toEqual([]);
    await watched.context.close();
  }
});
