import type { Browser, Page } from 'playwright-core';
import { ended } from '../support/service.ts';
import { until } from '../support/until.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';
import { openScene, type Scene, stagePipelines } from './scene.ts';

let browser: Browser;
let scene: Scene;
let watched: Watched;
beforeAll(async () => {
  browser = await launchBrowser();
  scene = await openScene({
    ...stagePipelines,
    'broken.yaml': 'name: broken\nstages:\n  - name: one\n    runn: [echo]\n',
  });
  await scene.past({ days: 1, runs: 3 });
  await scene.schedule('nightly-report', 'nightly-report', '15 23 * * *');
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
  await watched.page.locator('.loading').first().waitFor({ state: 'detached' });
  return watched.page;
};
// Three of each: a shorter row would make Jest take the third argument for a callback to wait for.
const screens: [string, string, string | null][] = [
  ['the overview', '/', null],
  ['the runs', '/runs?pipeline=market-data', null],
  ['the durations as a table', '/runs?pipeline=market-data&view=table', null],
  ['the pipelines', '/pipelines', null],
  ['a pipeline', '/pipelines/market-data', null],
  ['the schedules', '/schedules', null],
  ['a schedule that is edited', '/schedules?edit=nightly-report', null],
  ['the health', '/health', null],
  ['an address without a view', '/nowhere', null],
  ['the start dialog', '/', 'n'],
  ['the palette', '/', 'Control+k'],
  ['the sheet of keys', '/', '?'],
];

const widths = [320, 360, 768, 1280, 3840];

test.each(screens)(
  'axe finds nothing on %s, dark, light and narrow; it fits from 320 pixels to 4K; nothing leaves the host',
  async (_, path, key) => {
    const page = await open(path, { theme: 'dark' });
    if (key) {
      await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor();
    }
    expect(await axe(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    expect(await axe(page)).toEqual([]);
    for (const width of widths) {
      // As high as the page: what lies under the bar at the moment is not smaller for it.
      await page.setViewportSize({ width, height: 4000 });
      // A plot that is drawn follows its box a frame later.
      await until(() => page.evaluate(() => document.documentElement.scrollWidth === innerWidth));
      expect(await page.evaluate(() => innerWidth)).toBe(width);
      if (width === 360) expect(await axe(page)).toEqual([]);
    }
    expect(watched.faults).toEqual([]);
  },
);

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
        isVisible:
          width > 0 && height > 0 && bottom > 0 && top < innerHeight && (isInBar || bottom > bar),
        // A radio's ring is drawn around its word.
        hasRing: outlineStyle !== 'none' || element.matches('.segments input'),
      };
    });
    if (!at) break;
    expect(at).toMatchObject({ isVisible: true, hasRing: true });
    seen.push(at.name);
  }
  expect(seen).toEqual(
    expect.arrayContaining(['Retry Search index', 'Stop Market data', 'Acknowledge']),
  );
});

test('what can be pressed is at least 24 pixels, and on a touch screen 44', async () => {
  const tooSmall = (page: Page, selector: string, least: number) =>
    page.locator(selector).evaluateAll(
      (all, wanted) =>
        all
          .map((element) => ({
            name: element.getAttribute('aria-label') ?? element.textContent,
            ...element.getBoundingClientRect().toJSON(),
          }))
          .filter(({ width, height }) => width > 0 && Math.min(width, height) < wanted)
          .map(({ name, width, height }) => `${name}: ${width} × ${height}`),
      least,
    );
  const page = await open('/', {});
  expect(await tooSmall(page, 'button, .nav-link', 24)).toEqual([]);
  const touch = await browser.newContext({
    baseURL: scene.url,
    hasTouch: true,
    isMobile: true,
    viewport: { width: 390, height: 844 },
  });
  const phone = await touch.newPage();
  await phone.goto('/');
  await phone.getByText('Live', { exact: true }).waitFor();
  expect(await tooSmall(phone, '.button, .nav-link', 44)).toEqual([]);
  await touch.close();
});

test('UI-4: with forced colours no mark disappears, and what is chosen can be seen', async () => {
  const page = await open('/', {});
  await page.emulateMedia({ forcedColors: 'active' });
  const marks = page.locator('.bar-mark, .strip-bar, .ruler-run > span');
  await marks.first().waitFor();
  const invisible = await marks.evaluateAll((all) =>
    all
      .filter((mark) => {
        const { backgroundColor, backgroundImage, borderStyle, outlineStyle } =
          getComputedStyle(mark);
        const isFilled =
          backgroundImage !== 'none' ||
          backgroundColor !== getComputedStyle(document.body).backgroundColor;
        return !isFilled && borderStyle === 'none' && outlineStyle === 'none';
      })
      .map(({ className }) => className),
  );
  expect(await marks.count()).toBeGreaterThan(3);
  expect(invisible).toEqual([]);
  const segments = await page
    .locator('.segments span')
    .evaluateAll((all) =>
      all.map((one) => [
        (one.previousElementSibling as HTMLInputElement).checked,
        getComputedStyle(one).backgroundColor,
      ]),
    );
  const chosen = segments.find(([isChecked]) => isChecked)?.[1];
  expect(chosen).toBeDefined();
  expect(segments.filter(([, color]) => color === chosen)).toHaveLength(1);
});

test('nothing moves for somebody who asked for less motion', async () => {
  const page = await open('/', { reducedMotion: 'reduce' });
  expect(
    await page.evaluate(
      () => document.getAnimations().filter(({ playState }) => playState === 'running').length,
    ),
  ).toBe(0);
});
