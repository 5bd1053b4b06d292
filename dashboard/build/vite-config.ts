import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { InlineConfig, Plugin } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const distDir = join(root, 'dashboard', 'dist');

/**
 * Browsers that have `light-dark()`, `@layer`, `popover` and container queries: none of it is
 * rewritten.
 */
const target = ['chrome123', 'firefox125', 'safari17.5'];

/** The service sends what lies beside a file, so compression costs nothing when it runs. */
const compressed = (): Plugin => ({
  name: 'compressed',
  closeBundle: () => {
    for (const entry of readdirSync(distDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = readFileSync(path);
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      writeFileSync(`${path}.br`, brotliCompressSync(bytes));
    }
  },
});

/** The fonts are OFL: their licence goes where they go. */
const licences = (): Plugin => ({
  name: 'licences',
  closeBundle: () => {
    mkdirSync(join(distDir, 'licences'), { recursive: true });
    for (const font of ['inter', 'jetbrains-mono'])
      copyFileSync(
        join(root, 'node_modules/@fontsource-variable', font, 'LICENSE'),
        join(distDir, 'licences', `${font}.txt`),
      );
  },
});

/** @param build names this build; the page compares it with the one the service says it serves */
export const configFor = (build: string): InlineConfig => ({
  configFile: false,
  root: join(root, 'dashboard'),
  logLevel: 'warn',
  define: { __UI_BUILD__: JSON.stringify(build) },
  build: {
    outDir: distDir,
    emptyOutDir: true,
    target,
    // An inlined font is a data: URL, which the CSP refuses.
    assetsInlineLimit: 0,
    manifest: true,
    license: { fileName: 'licences/javascript.md' },
    reportCompressedSize: false,
    rolldownOptions: {
      // Every file of react-query says "use client", which means nothing here.
      onwarn: (warning, warn) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && warn(warning),
    },
  },
  plugins: [licences(), compressed()],
});
