import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProxyRecipe, passesService, passesStreams } from './proxy-checks.ts';
import type { Tool } from './run-tools.ts';

const recipe = new URL('../../ops/proxy/Caddyfile', import.meta.url);

const proxyOf = (program: string): ProxyRecipe => ({
  host: (port) => `localhost:${port}`,
  begin: async ({ dir, port, upstream, password }) => {
    const hash = execFileSync(program, ['hash-password', '--plaintext', password])
      .toString()
      .trim();
    // A certificate of its own, and nothing that reaches out of the folder.
    const alone = '{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n';
    const site = (await readFile(recipe, 'utf8'))
      .replace(
        /^pipelines\.example\.org \{/m,
        `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls internal`,
      )
      .replace(/operator \S+/, () => `operator ${hash}`)
      .replace('127.0.0.1:8000', `127.0.0.1:${upstream}`);
    const file = join(dir, 'Caddyfile');
    await writeFile(file, `${alone}${site}`);
    return {
      file: program,
      args: ['run', '--adapter', 'caddyfile', '--config', file],
      env: { HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    };
  },
});

export const tool: Tool = {
  program: 'caddy',
  from: 'Debian: apt-get install caddy; or name it with CADDY=/path/to/caddy',
  checks: [
    {
      title: 'behind ops/proxy/Caddyfile: users, commands of a browser, and a WebSocket',
      run: (program) => passesService(proxyOf(program)),
    },
    {
      title: 'ops/proxy/Caddyfile holds no stream back, and keeps the password',
      run: (program) => passesStreams(proxyOf(program)),
    },
  ],
};
