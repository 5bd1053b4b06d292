// `npm run dev`: the service starts anew when its code changes, the page takes what is saved at once.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { configFor } from './vite-config.ts';

const service = 'http://127.0.0.1:8000';
const page = 'http://127.0.0.1:5173';
const root = fileURLToPath(new URL('../..', import.meta.url));

const running = spawn(
  process.execPath,
  ['--watch', '--watch-preserve-output', 'bin/stagewright.mjs', 'serve', '--allowed-origins', page],
  { cwd: root, stdio: 'inherit' },
);
const { plugins: _, ...config } = configFor('dev');
const proxied = { target: service, ws: true, changeOrigin: true };
const server = await createServer({
  ...config,
  logLevel: 'info',
  server: {
    host: '127.0.0.1',
    port: 5173,
    strictPort: true,
    proxy: { '/api': proxied, '/ws': proxied, '/docs': proxied, '/openapi.json': proxied },
  },
});
await server.listen();
server.printUrls();

const end = (): void => {
  running.kill('SIGTERM');
  void server.close();
};
process.on('SIGINT', end);
process.on('SIGTERM', end);
running.on('exit', (code) => {
  process.exitCode = code ?? 0;
  void server.close();
});
