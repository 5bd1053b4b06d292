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
  'docs',
  'ops',
  'README.md',
  'CHANGELOG.md',
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

const {
  devDependencies: _,
  scripts: __,
  overrides: ___,
  allowScripts: ____,
  ...kept
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
writeFileSync(join(target, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
