// `npm run screenshots [word…]`: every screen of the dashboard, from real services, as pictures to
// look at; with words only the screens whose name has one of them. `npm run screenshots docs` takes
// those that docs/images shows.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser, visit } from './browser.ts';
import { openScene, type Scene, stagePipelines } from './scene.ts';

const words = process.argv.slice(2);
const isForDocs = words.includes('docs');
const outDir = isForDocs ? 'docs/images' : (process.env.SCREENSHOTS ?? 'screenshots');
/**
 * `doc` names the picture in docs/images that shows it, `docHeight` px high where that is more than
 * a window.
 */
type Shot = {
  name: string;
  path: string;
  doc?: string;
  docHeight?: number;
  before?: (page: Page) => Promise<void>;
};
type Look = {
  suffix: string;
  width: number;
  height: number;
  theme: 'dark' | 'light';
  scale: number;
};
const looks: Look[] = [
  { suffix: '-dark', width: 1440, height: 900, theme: 'dark', scale: 1.5 },
  { suffix: '-light', width: 1440, height: 900, theme: 'light', scale: 1.5 },
  { suffix: '-narrow', width: 390, height: 844, theme: 'dark', scale: 1.5 },
];
const docLooks: Look[] = [{ suffix: '', width: 1280, height: 800, theme: 'dark', scale: 1.25 }];

const wanted = ({ name, doc }: Shot): boolean =>
  isForDocs ? doc !== undefined : words.length === 0 || words.some((word) => name.includes(word));

const browser = await launchBrowser();
const shoot = async (scene: Scene, all: Shot[]): Promise<void> => {
  const shots = all.filter(wanted);
  for (const { suffix, ...look } of shots.length > 0 ? (isForDocs ? docLooks : looks) : []) {
    const { page, context, faults } = await visit(browser, scene.url, look);
    for (const { name, path, doc, docHeight, before } of shots) {
      await page.setViewportSize({ ...look, ...(isForDocs && docHeight && { height: docHeight }) });
      await page.goto(path);
      await page.getByText('Live', { exact: true }).waitFor();
      await page.evaluate(() => document.fonts.ready.then(() => {}));
      // A picture of what is there after two seconds, if something is still asked then.
      await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
      await before?.(page);
      const file = `${isForDocs ? doc : name}${suffix}.png`;
      await page.screenshot({ path: join(outDir, file), animations: 'disabled' });
      process.stdout.write(`${join(outDir, file)}\n`);
    }
    for (const fault of faults) process.stdout.write(`a fault: ${fault}\n`);
    if (faults.length > 0) process.exitCode = 1;
    await context.close();
  }
};
const press =
  (key: string) =>
  async (page: Page): Promise<void> => {
    await page.keyboard.press(key);
    await page.locator('dialog[open]').waitFor();
  };

const simulate = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Simulate' }).click();
  await page.getByRole('region', { name: 'The simulated run' }).waitFor();
  await page.getByRole('heading', { name: 'Tell a story' }).scrollIntoViewIfNeeded();
  await page.getByRole('heading', { name: 'Tell a story' }).evaluate((it) => it.scrollIntoView());
};

const empty = async (): Promise<void> => {
  const scene = await openScene();
  await shoot(scene, [
    { name: 'empty-overview', path: '/' },
    { name: 'empty-runs', path: '/runs' },
  ]);
  await scene.close();
};

const busy = async (): Promise<void> => {
  const scene = await openScene();
  await scene.past({ days: 3, runs: 34 });
  await scene.schedule('after-the-close', 'market-data', '30 17 * * 1-5');
  await scene.schedule('nightly-report', 'nightly-report', '15 23 * * *');
  await scene.setStage('translator', [0.2, 0]);
  await scene.setStage('analyzer', ['hold', 0, 1]);
  await scene.setStage('render', [0.1, 7, 1]);
  const { run_id: running } = await scene.begin('market-data');
  const { run_id: retrying } = await scene.begin('nightly-report');
  await scene.reach(running as string, 'RUNNING_ANALYZER');
  await scene.reach(retrying as string, 'RETRYING');
  await shoot(scene, [
    { name: 'busy-overview', path: '/', doc: 'overview' },
    { name: 'busy-run', path: `/runs/${running}` },
    { name: 'busy-run-retrying', path: `/runs/${retrying}`, doc: 'run', docHeight: 1180 },
    { name: 'inspector-list', path: '/inspect' },
    { name: 'inspector', path: `/inspect/${running}?at=4`, doc: 'inspector', docHeight: 1000 },
    {
      name: 'inspector-sequence',
      path: `/inspect/${running}?at=4&form=sequence&side=difference`,
      doc: 'inspector-sequence',
      docHeight: 1000,
    },
    { name: 'inspector-snapshot', path: `/inspect/${retrying}?side=snapshot` },
    { name: 'inspector-live', path: '/inspect/live' },
    {
      name: 'what-if',
      path: `/runs/${retrying}/what-if?path=${encodeURIComponent('[{"kind":"command","command":"RETRY_NOW"}]')}`,
      doc: 'what-if',
    },
    {
      name: 'what-if-story',
      path: '/pipelines/market-data/what-if',
      doc: 'what-if-story',
      before: simulate,
    },
    { name: 'busy-runs', path: '/runs' },
    { name: 'busy-trend', path: '/runs?pipeline=market-data', doc: 'runs' },
    { name: 'busy-trend-table', path: '/runs?pipeline=market-data&view=table' },
    { name: 'busy-pipelines', path: '/pipelines' },
    { name: 'busy-pipeline', path: '/pipelines/market-data' },
    { name: 'busy-schedules', path: '/schedules', doc: 'schedules' },
    { name: 'busy-schedule-edit', path: '/schedules?edit=after-the-close' },
    { name: 'busy-health', path: '/health' },
    { name: 'start-dialog', path: '/', before: press('n') },
    { name: 'palette', path: '/', before: press('Control+k') },
    { name: 'keys', path: '/', before: press('?') },
    { name: 'not-found', path: '/nowhere' },
  ]);
  await scene.close();
};

const failed = async (): Promise<void> => {
  const scene = await openScene({
    ...stagePipelines,
    'broken.yaml': 'name: broken\nstages:\n  - name: one\n    runn: [echo]\n',
  });
  await scene.past({ days: 1, runs: 6 });
  await scene.setStage('analyzer', [0.05, 1]);
  const { run_id: bad } = await scene.begin('market-data');
  await scene.reach(bad as string, 'FAILED');
  await shoot(scene, [
    { name: 'failed-overview', path: '/' },
    { name: 'failed-run', path: `/runs/${bad}` },
    { name: 'failed-pipelines', path: '/pipelines' },
  ]);
  const { page } = await visit(browser, scene.url, looks[0]);
  await page.goto('/');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.waitForLoadState('networkidle');
  await scene.close();
  const lost: Shot = { name: 'reconnecting', path: '/' };
  await page.getByText('Reconnecting').waitFor();
  if (wanted(lost)) await page.screenshot({ path: join(outDir, 'reconnecting-dark.png') });
};

if (!isForDocs) await rm(outDir, { recursive: true, force: true });
await mkdir(outDir, { recursive: true });
await empty();
await busy();
await failed();
await browser.close();
