// `npm run budgets`: what the dashboard costs, beside what it may cost. Fails when a budget is
// broken.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { chartGraph } from '../../drawing/graph.ts';
import { layoutChart } from '../../drawing/layout.ts';
import { compile } from '../../machines/compile.ts';
import { pipeline, stage } from '../support/definition.ts';

type Chunk = {
  file: string;
  isEntry?: boolean;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
};
const dist = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
const manifest = JSON.parse(readFileSync(join(dist, '.vite', 'manifest.json'), 'utf8')) as Record<
  string,
  Chunk
>;

/** A chunk and all that is loaded with it. */
const withImports = (name: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const other of manifest[name]?.imports ?? []) withImports(other, seen);
  return seen;
};
const [entry] = Object.keys(manifest).filter((name) => manifest[name]?.isEntry);
if (entry === undefined) throw new Error('the build has no entry');
const first = withImports(entry);
const zipped = (files: Iterable<string>): number =>
  [...new Set(files)].reduce((sum, file) => sum + statSync(join(dist, `${file}.gz`)).size, 0) /
  1000;
const scripts = (names: Iterable<string>): string[] =>
  [...names].flatMap((name) => manifest[name]?.file ?? []);
const styles = (names: Iterable<string>): string[] =>
  [...names].flatMap((name) => manifest[name]?.css ?? []);

/** The middle of five: the first one also compiles the code. */
const chartMs = (): number => {
  const graph = chartGraph(
    compile(pipeline(Array.from({ length: 12 }, (_, index) => stage(`stage-${index + 1}`)))),
  );
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    layoutChart(graph);
    return performance.now() - began;
  });
  return times.toSorted((a, b) => a - b)[2] as number;
};

const lines: [string, number, number, string][] = [
  ['JavaScript of the first load', zipped(scripts(first)), 180, 'kB gzip, aim 130'],
  ['CSS of the first load', zipped(styles(first)), 12, 'kB gzip'],
];
const lazy = Object.keys(manifest).filter(
  (name) => (manifest[name]?.file ?? '').endsWith('.js') && !first.has(name),
);
for (const [what, is, most, unit] of lines)
  process.stdout.write(
    `${is <= most ? 'ok    ' : 'BROKEN'} ${what}: ${is.toFixed(1)} of ${most} ${unit}\n`,
  );
// A figure, not a budget: a busy machine is no fault of the layout.
process.stdout.write(`       layout of a chart of 12 stages: ${chartMs().toFixed(1)} ms, aim 50\n`);
for (const name of lazy)
  process.stdout.write(`       later, ${name}: ${zipped(scripts([name])).toFixed(1)} kB gzip\n`);
process.exitCode = lines.some(([, is, most]) => is > most) ? 1 : 0;
