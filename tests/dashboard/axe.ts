import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

type Finding = { id: string; nodes: { target: unknown[]; failureSummary?: string }[] };
type Axe = { run(context: Document, options: object): Promise<{ violations: Finding[] }> };
const source = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * What axe finds on the page as it is, one line a place; put in by the debugger, which no policy of
 * the page stops.
 */
export const axe = async (page: Page): Promise<string[]> => {
  // A value of its own: the last one of the script is no JSON.
  await page.evaluate(`${source};0`);
  const violations = await page.evaluate(async (values) => {
    const { axe: it } = globalThis as unknown as { axe: Axe };
    return (await it.run(document, { runOnly: { type: 'tag', values } })).violations;
  }, tags);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`),
  );
};
