import type { Browser, Page } from 'playwright-core';
import { ended } from '../support/service.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';
import { openScene, type Scene, stagePipelines } from './scene.ts';

let browser: Browser;
let scene: Scene;
let watched: Watched;
beforeAll(async () => {
  browser = await launchBrowser();
  scene = await openScene({ ...stagePipelines, 'broken.yaml': 'name: broken\nstages:\n  - name: one\n    runn: [echo]\n' });
  await scene.past({ days: 1, runs: 3 });
  await scene.setStage('build', [0, 1]);
  await ended(scene.orchestrator, (await scene.begin('search-index')).run_id as string);
  await scene.setStage('analyzer', ['hold', 0]);
  await scene.reach((await scene.begin('market-data')).run_id as string, 'RUNNING_ANALYZER');
  await scene.setStage('render', [0, 7, 1]);
  await scene.reach((await scene.begin('nightly-report')).run_id as string, 'RETRYING');
});
afterAll(async () => {
  await browser.close();
  await scene.close();
});
afterEach(() => watched.context.close());

const open = async (path: string, look: Parameters<typeof visit>[2]): Promise<Page> => {
  watched = await visit(browser, scene.url, look);
  await watched.page.goto(path);
  await watched.page.getByText('Live', { exact: true }).waitFor();
  await watched.page.waitForLoadState('networkidle');
  return watched.page;
};
const screens: [string, string, string?][] = [
  ['the overview', '/'],
  ['the runs', '/runs?pipeline=market-data'],
  ['the durations as a table', '/runs?pipeline=market-data&view=table'],
  ['the pipelines', '/pipelines'],
  ['a pipeline', '/pipelines/market-data'],
  ['the health', '/health'],
  ['an address without a view', '/nowhere'],
  ['the start dialog', '/', 'n'],
  ['the palette', '/', 'Control+k'],
  ['the sheet of keys', '/', '?'],
];

describe.each(['dark', 'light'] as const)('%s', (theme) => {
  test.each(screens)('axe finds nothing on %s, wide and narrow, and nothing leaves the host', async (_, path, key) => {
    const page = await open(path, { theme });
    if (key) {
      await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor();
    }
    expect(await axe(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await axe(page)).toEqual([]);
    expect(watched.faults).toEqual([]);
  });
});

test.each(screens.filter(([, , key]) => !key))('%s scrolls in one direction only, from 320 pixels to 4K', async (_, path) => {
  const page = await open(path, { width: 320, height: 640 });
  for (const width of [320, 360, 768, 1280, 3840]) {
    await page.setViewportSize({ width, height: 900 });
    const { inner, wide } = await page.evaluate(() => ({ inner: innerWidth, wide: document.documentElement.scrollWidth }));
    expect([width, wide]).toEqual([width, inner]);
  }
});

test('the focus goes through every control of the overview, always visible and never under the bar', async () => {
  const page = await open('/', {});
  const seen: string[] = [];
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      if (element === document.body) return null;
      const { top, bottom, width, height } = element.getBoundingClientRect();
      const bar = document.querySelector('.bar')?.getBoundingClientRect().bottom ?? 0;
      const isInBar = element.closest('.bar, .skip') !== null;
      const { outlineStyle } = getComputedStyle(element);
      return {
        name: element.getAttribute('aria-label') ?? element.textContent ?? element.tagName,
        isVisible: width > 0 && height > 0 && bottom > 0 && top < innerHeight && (isInBar || bottom > bar),
        // A radio's ring is drawn around its word.
        hasRing: outlineStyle !== 'none' || element.matches('.segments input'),
      };
    });
    if (!at) break;
    expect(at).toMatchObject({ isVisible: true, hasRing: true });
    seen.push(at.name);
  }
  expect(seen).toEqual(expect.arrayContaining(['Start Search index', 'Stop Market data', 'Acknowledge']));
});

test('what can be pressed is at least 24 pixels, and on a touch screen 44', async () => {
  const sizes = (page: Page, selector: string) =>
    page
      .locator(selector)
      .evaluateAll((all) => all.map((element) => Math.min(element.clientHeight, element.clientWidth)).filter((size) => size > 0));
  const page = await open('/', {});
  for (const size of await sizes(page, 'button, .nav-link')) expect(size).toBeGreaterThanOrEqual(24);
  const touch = await browser.newContext({ baseURL: scene.url, hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  const phone = await touch.newPage();
  await phone.goto('/');
  await phone.getByText('Live', { exact: true }).waitFor();
  for (const size of await sizes(phone, '.button, .nav-link')) expect(size).toBeGreaterThanOrEqual(42);
  await touch.close();
});

test('nothing moves for somebody who asked for less motion', async () => {
  const page = await open('/', { reducedMotion: 'reduce' });
  expect(await page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length)).toBe(0);
});
