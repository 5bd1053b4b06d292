// `npm run screenshots [scene…]`: every screen of the dashboard, from a real service, as pictures to look at.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, visit } from './browser.ts';
import { openScene, type Scene, stagePipelines } from './scene.ts';

const outDir = process.env.SCREENSHOTS ?? 'screenshots';
const only = process.argv.slice(2);
type Shot = { name: string; path: string; before?: (page: Page) => Promise<void> };
const looks = [
  { suffix: 'dark', width: 1440, height: 900, theme: 'dark' },
  { suffix: 'light', width: 1440, height: 900, theme: 'light' },
  { suffix: 'narrow', width: 390, height: 844, theme: 'dark' },
] as const;

const shoot = async (browser: Browser, scene: Scene, shots: Shot[], sizes: readonly (typeof looks)[number][] = looks): Promise<void> => {
  for (const { suffix, ...look } of sizes) {
    const { page, context, faults } = await visit(browser, scene.url, { ...look, scale: 1.5 });
    for (const { name, path, before } of shots) {
      if (only.length > 0 && !only.some((word) => name.includes(word))) continue;
      await page.goto(path);
      await page.getByText('Live', { exact: true }).waitFor();
      await page.evaluate(() => document.fonts.ready.then(() => {}));
      await page.waitForLoadState('networkidle');
      await before?.(page);
      await page.screenshot({ path: join(outDir, `${name}-${suffix}.png`), animations: 'disabled' });
      process.stdout.write(`${name}-${suffix}.png\n`);
    }
    if (faults.length > 0) process.stdout.write(`faults: ${faults.join('\n')}\n`);
    await context.close();
  }
};

const press =
  (key: string) =>
  async (page: Page): Promise<void> => {
    await page.keyboard.press(key);
    await page.locator('dialog[open]').waitFor();
  };

await rm(outDir, { recursive: true, force: true });
await mkdir(outDir, { recursive: true });
const browser = await launchBrowser();

const empty = await openScene();
await shoot(browser, empty, [
  { name: 'empty-overview', path: '/' },
  { name: 'empty-runs', path: '/runs' },
]);
await empty.close();

const scene = await openScene();
await scene.past({ days: 3, runs: 34 });
await scene.setStage('translator', [0.2, 0]);
await scene.setStage('analyzer', ['hold', 0, 1]);
await scene.setStage('render', [0.1, 7, 1]);
const running = await scene.begin('market-data');
const retrying = await scene.begin('nightly-report');
await scene.reach(running.run_id as string, 'RUNNING_ANALYZER');
await scene.reach(retrying.run_id as string, 'RETRYING');
await shoot(browser, scene, [
  { name: 'busy-overview', path: '/' },
  { name: 'busy-runs', path: '/runs' },
  { name: 'busy-runs-table', path: '/runs?pipeline=market-data&view=table' },
  { name: 'busy-trend', path: '/runs?pipeline=market-data' },
  { name: 'busy-pipelines', path: '/pipelines' },
  { name: 'busy-pipeline', path: '/pipelines/market-data' },
  { name: 'busy-health', path: '/health' },
  { name: 'busy-run', path: `/runs/${running.run_id}` },
  { name: 'start-dialog', path: '/', before: press('n') },
  { name: 'palette', path: '/', before: press('Control+k') },
  { name: 'keys', path: '/', before: press('?') },
  { name: 'not-found', path: '/nowhere' },
]);
await scene.close();

const failed = await openScene({
  ...stagePipelines,
  'broken.yaml': 'name: broken\nstages:\n  - name: one\n    runn: [echo]\n',
});
await failed.past({ days: 1, runs: 6 });
await failed.setStage('analyzer', [0.05, 1]);
const bad = await failed.begin('market-data');
await failed.reach(bad.run_id as string, 'FAILED');
await shoot(browser, failed, [
  { name: 'failed-overview', path: '/' },
  { name: 'failed-run', path: `/runs/${bad.run_id}` },
  { name: 'failed-pipelines', path: '/pipelines' },
]);

const { page, context } = await visit(browser, failed.url, { width: 1440, height: 900, theme: 'dark', scale: 1.5 });
await page.goto('/');
await page.getByText('Live', { exact: true }).waitFor();
await page.waitForLoadState('networkidle');
await failed.close();
await page.getByText('Reconnecting').waitFor();
await page.screenshot({ path: join(outDir, 'reconnecting-dark.png') });
await context.setOffline(true);
await page.getByText('This machine has no network.').waitFor();
await page.screenshot({ path: join(outDir, 'offline-dark.png') });
await browser.close();
