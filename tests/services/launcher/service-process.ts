// A small service for crash tests: starts what its file of requests says, opens the gates that it
// says, and waits to be killed.
import { readFileSync, writeFileSync } from 'node:fs';
import { createLauncher } from '../../../services/launcher/launcher.ts';
import type { LaunchRequest } from '../../../stages/launcher-port.ts';

const [requestsPath, readyPath] = process.argv.slice(2) as [string, string];
const requests = JSON.parse(readFileSync(requestsPath, 'utf8')) as {
  request: LaunchRequest;
  open: boolean;
}[];
const launcher = createLauncher({ log: () => {} });
const pids: number[] = [];
for (const { request, open } of requests) {
  const launched = await launcher.launch(request);
  pids.push(launched.identity.pid);
  if (open) launched.open();
}
writeFileSync(readyPath, JSON.stringify({ launcher: launcher.pid(), pids }));
