// `npm run package [folder]`: the npm package as a folder. Node strips no types below node_modules,
// so it holds JavaScript; the dashboard is in it built. Publish from there.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = resolve(process.argv[2] ?? join(root, 'package'));
const folders = [
  'definition',
  'wire',
  'machines',
  'drawing',
  'stages',
  'services',
  'server',
  'client',
  'bin',
];
const own = ['bin/build-package.ts', 'server/generate-client.ts'];
const whole = [
  'dashboard/dist',
  'server/docs',
  'pipelines',
  'schemas',
  'docs',
  'ops',
  'README.md',
  'CHANGELOG.md',
  'UPGRADING.md',
  'LICENSE',
];

/** `from './look.ts'` and `import('./cli.ts')`: what lies beside us is JavaScript too. */
const asJavaScript = (text: string): string =>
  text.replaceAll(/((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');

rmSync(target, { recursive: true, force: true });
for (const file of globSync(
  folders.map((folder) => `${folder}/**/*.{ts,mjs}`),
  { cwd: root },
)) {
  if (own.includes(file)) continue;
  const text = readFileSync(join(root, file), 'utf8');
  const path = join(target, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, asJavaScript(file.endsWith('.ts') ? stripTypeScriptTypes(text) : text), {
    mode: file.endsWith('.mjs') ? 0o755 : 0o644,
  });
}
for (const path of whole) cpSync(join(root, path), join(target, path), { recursive: true });

type Manifest = {
  dependencies: Record<string, string>;
  exports: Record<string, string>;
} & Record<string, unknown>;
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
/** Of the clone alone: its own Node among them, which would put a `node` into other people's path. */
const ofTheClone = [
  'devDependencies',
  'optionalDependencies',
  'scripts',
  'overrides',
  'allowScripts',
];
/** 70 MB that only the built-in stages need. */
const engine = '@duckdb/node-api';
const { [engine]: engineVersion, ...dependencies } = manifest.dependencies;
const asFiles = ([name, path]: [string, string]) => [name, path.replace(/\.ts$/, '.js')];
const published = {
  ...Object.fromEntries(Object.entries(manifest).filter(([key]) => !ofTheClone.includes(key))),
  exports: Object.fromEntries(Object.entries(manifest.exports).map(asFiles)),
  dependencies,
  peerDependencies: { [engine]: engineVersion },
  peerDependenciesMeta: { [engine]: { optional: true } },
};
writeFileSync(join(target, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
