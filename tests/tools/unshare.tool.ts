import { strict as assert } from 'node:assert';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '../support/serve.ts';
import { until } from '../support/until.ts';
import type { Tool } from './run-tools.ts';

/** Of ops/container/Containerfile. */
const uid = 10001;
/** The folder of the project becomes the one volume; all else is read-only, and /tmp is its own. */
const walls = (dir: string): string => `
set -eu
mount --make-rprivate /
mount --bind ${dir} /mnt
mount -t tmpfs tmpfs /tmp
mount -o remount,bind,ro /
if touch /written 2>/dev/null; then echo 'the root is not read-only' >&2; exit 9; fi
exec setpriv --reuid=${uid} --regid=${uid} --clear-groups --no-new-privs --bounding-set=-all "$@"
`;

export const tool: Tool = {
  program: 'unshare',
  from: 'Debian: util-linux; root is needed for its mounts',
  checks: [
    {
      title: `the service works as the image has it: user ${uid}, a read-only root, /tmp and one volume`,
      run: async (program) => {
        const dir = await mkdtemp(join(tmpdir(), 'stagewright-walls-'));
        await mkdir(join(dir, 'pipelines'));
        await writeFile(
          join(dir, 'pipelines/p.yaml'),
          'name: p\nstages:\n  - { name: one, run: [sh, -c, "id -u; touch $STAGEWRIGHT_WORKSPACE/x; ! touch /x"] }\n',
        );
        await chown(dir, uid, uid);
        const inside = ['--data-dir', '/mnt/data', '--pipelines', '/mnt/pipelines'];
        const service = await serve(dir, inside, {
          argv: (argv) => [program, '--mount', 'sh', '-c', walls(dir), 'walls', ...argv],
        });
        try {
          await service.post('/api/pipeline/start');
          const status = await until(async () => {
            const now = await service.get<{ state: string; ended_at: string | null }>(
              '/api/pipeline/status',
            );
            return now.ended_at === null ? null : now;
          });
          assert.equal(status.state, 'DONE');
        } finally {
          assert.equal(await service.end(), 0);
          await rm(dir, { recursive: true, force: true });
        }
      },
    },
  ],
};
