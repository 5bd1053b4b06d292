/** `stagewright` that kills itself at the CRASH_AT-th renaming of a file or folder. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const crashAt = Number(process.env.CRASH_AT);
let count = 0;
const { renameSync } = fs;
fs.renameSync = (from, to) => {
  count += 1;
  if (count === crashAt) process.kill(process.pid, 'SIGKILL');
  renameSync(from, to);
};
syncBuiltinESMExports();
const { main } = await import('../../bin/cli.ts');
process.exitCode = await main(process.argv.slice(2), process.env);
