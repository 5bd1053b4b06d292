import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProxyRecipe, passesService, passesStreams } from './proxy-checks.ts';
import type { Tool } from './run-tools.ts';

const recipe = new URL('../../ops/proxy/nginx.conf', import.meta.url);
/** What a distribution's own nginx.conf says, with every path in the folder of the test. */
const around = (dir: string): string => `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid ${dir}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  include ${dir}/site.conf;
}
`;

const proxyOf = (program: string): ProxyRecipe => ({
  host: () => 'pipelines.example.org',
  begin: async ({ dir, port, upstream, password }) => {
    const names = ['-subj', '/CN=pipelines.example.org', '-keyout', 'key.pem', '-out', 'cert.pem'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...names], {
      cwd: dir,
      stdio: 'ignore',
    });
    const site = (await readFile(recipe, 'utf8'))
      .replace('listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`)
      .replace('127.0.0.1:8000', `127.0.0.1:${upstream}`)
      .replace(/\/etc\/ssl\/\S+\.pem/, join(dir, 'cert.pem'))
      .replace(/\/etc\/ssl\/\S+\.key/, join(dir, 'key.pem'))
      .replace(/\/etc\/nginx\/stagewright\.users/, join(dir, 'users'));
    await writeFile(join(dir, 'site.conf'), site);
    await writeFile(join(dir, 'users'), `operator:{PLAIN}${password}\n`);
    await writeFile(join(dir, 'nginx.conf'), around(dir));
    return { file: program, args: ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr'] };
  },
});

export const tool: Tool = {
  program: 'nginx',
  from: 'Debian: apt-get install nginx; or name it with NGINX=/path/to/nginx. openssl makes its certificate',
  checks: [
    {
      title: 'behind ops/proxy/nginx.conf: users, commands of a browser, and a WebSocket',
      run: (program) => passesService(proxyOf(program)),
    },
    {
      title: 'ops/proxy/nginx.conf holds no stream back, and keeps the password',
      run: (program) => passesStreams(proxyOf(program)),
    },
  ],
};
