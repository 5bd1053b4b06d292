#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on an older Node. A clone has the right one beside it;
// whoever installs the package has one, and keeps it.
import { spawn } from 'node:child_process';
// The whole module: a named import that an older Node lacks would fail before the first line.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const needed = 24;
if (Number(process.versions.node.split('.')[0]) >= needed) {
  module.enableCompileCache();
  const { main } = await import('./cli.ts');
  process.exitCode = await main(process.argv.slice(2), process.env);
} else {
  let node;
  try {
    node = module.createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    console.error(
      `Stagewright needs Node ${needed} or newer; this is ${process.versions.node}. Install a newer one (nodejs.org), or run npm ci in a clone.`,
    );
    process.exit(2);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to both; other signals reach only us and are passed on.
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  process.on('SIGINT', () => {});
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}
