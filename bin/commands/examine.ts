import { constants } from 'node:fs';
import { access, lstat, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { type Api, NotReachable } from '../../client/api.ts';
import { sizeText } from '../../definition/byte-size.ts';
import { lastBackupOf } from '../../services/backup/last-backup.ts';
import { openToOthers } from '../../services/host/private-files.ts';
import { type StartTrouble, startTroubleOf } from '../../services/host/start-trouble.ts';
import { processesOf } from '../../services/launcher/left-behind.ts';
import { loadPipelines } from '../../services/pipelines/pipelines.ts';
import type { Owner } from '../../services/sqlite/owner.ts';
import { storeFileOf } from '../../services/sqlite/store-file.ts';

export type DoctorFinding = {
  what: string;
  level: 'ok' | 'warning' | 'wrong';
  detail: string;
  todo: string | null;
};
type Place = {
  /** For whoever finds out where the service of the directory is. */
  apiAt: (url: string) => Api;
  url: string;
  dataDir: string;
  pipelines: string;
};

const ok = (what: string, detail: string): DoctorFinding => ({
  what,
  level: 'ok',
  detail,
  todo: null,
});
const found = (
  level: 'warning' | 'wrong',
  what: string,
  detail: string,
  todo: string,
): DoctorFinding => ({ what, level, detail, todo });

const lowDiskBytes = 1024 ** 3;

const node = async (): Promise<DoctorFinding> =>
  ok('node', `${process.versions.node} on ${process.platform}`);

const platform = async (): Promise<DoctorFinding> =>
  process.platform === 'linux'
    ? ok('system', 'Linux: processes can be found and ended')
    : found(
        'wrong',
        'system',
        `${process.platform} has no /proc`,
        'stages can be run on Linux only',
      );

const files = async ({ pipelines }: Place): Promise<DoctorFinding> => {
  const loaded = await loadPipelines(pipelines);
  const [first] = loaded.problems;
  if (!(await stat(pipelines).catch(() => null)))
    return found(
      'warning',
      'pipelines',
      `there is no ${pipelines}`,
      'stagewright init writes a first one, or name the folder with --pipelines',
    );
  if (first)
    return found(
      'wrong',
      'pipelines',
      `${first.file}: ${first.detail}`,
      `stagewright validate ${pipelines}`,
    );
  if (loaded.pipelines.size === 0)
    return found(
      'warning',
      'pipelines',
      `none in ${pipelines}`,
      'name the folder with --pipelines',
    );
  return ok('pipelines', [...loaded.pipelines.keys()].join(', '));
};

const folder = async ({ dataDir }: Place): Promise<DoctorFinding> => {
  const info = await stat(dataDir).catch((error: { code?: string }) => error.code ?? 'unknown');
  if (info === 'ENOENT' && (await lstat(dataDir).catch(() => null)))
    return found(
      'wrong',
      'data',
      `${dataDir} is a link that leads nowhere`,
      'make the folder it leads to, or name another one with --data-dir',
    );
  if (info === 'ENOENT')
    return ok('data', `${dataDir} does not exist yet; the first start makes it`);
  if (typeof info === 'string')
    return found(
      'wrong',
      'data',
      `${dataDir} cannot be looked at (${info})`,
      'run as its owner, or name another one with --data-dir',
    );
  if (!info.isDirectory())
    return found('wrong', 'data', `${dataDir} is no folder`, 'name another one with --data-dir');
  const may = await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return may
    ? ok('data', dataDir)
    : found(
        'wrong',
        'data',
        `${dataDir} cannot be written`,
        'run as its owner, or name another one with --data-dir',
      );
};

/** What the service keeps is for its own user; a start closes what is open. */
const modes = async ({ dataDir }: Place): Promise<DoctorFinding> => {
  let open: string[];
  try {
    open = openToOthers(dataDir);
  } catch {
    // Not to be looked at, which is told above.
    return ok('modes', 'not to be seen by this user');
  }
  return open.length === 0
    ? ok('modes', 'closed to other users')
    : found(
        'warning',
        'modes',
        `other users may open ${open.join(', ')} in ${dataDir}`,
        `chmod go-rwx, or start the service: it closes them`,
      );
};

const disk = async ({ dataDir }: Place): Promise<DoctorFinding> => {
  const { bavail, bsize } = await statfs(dataDir).catch(() => statfs('.'));
  const free = bavail * bsize;
  const text = `${(free / 1024 ** 3).toFixed(1)} GB free`;
  return free < lowDiskBytes
    ? found('warning', 'disk', text, 'make room, or lower --retention-size')
    : ok('disk', text);
};

/** What a start would say of the store, in the same words. */
const storeOf = async (
  dataDir: string,
): Promise<{ owner: Owner | null; trouble: StartTrouble | null }> => {
  const { checkStore } = await import('../../services/sqlite/integrity.ts');
  try {
    return checkStore(dataDir);
  } catch (error) {
    const trouble = startTroubleOf(error, dataDir);
    if (!trouble) throw error;
    return { owner: null, trouble };
  }
};

const store = async ({ dataDir }: Place): Promise<DoctorFinding> => {
  const { owner, trouble } = await storeOf(dataDir);
  if (owner)
    return ok(
      'store',
      `in use by the service with pid ${owner.pid}${owner.url ? ` at ${owner.url}` : ''}`,
    );
  if (trouble) return found('wrong', 'store', trouble.problem, trouble.todo);
  return (await stat(storeFileOf(dataDir)).catch(() => null))
    ? ok('store', 'whole')
    : ok('store', 'empty: nothing ever ran here');
};

/** The service that has the directory is asked where it is; who else answers somewhere is not it. */
const service = async (place: Place): Promise<DoctorFinding> => {
  const { owner } = await storeOf(place.dataDir);
  const url = owner?.url ?? place.url;
  try {
    const { status, checks } = await place.apiAt(url).ask('GET /api/health');
    if (!owner)
      return found(
        'warning',
        'service',
        `none works on ${place.dataDir}; the one at ${url} has another data directory`,
        `stagewright serve --data-dir ${place.dataDir} --port N, or name the other directory with --data-dir`,
      );
    const bad = Object.entries(checks).filter(([, check]) => check.status !== 'ok');
    if (status === 'ok') return ok('service', `answers at ${url}`);
    const detail = bad.map(([name, check]) => `${name}: ${check.detail}`).join('; ');
    return found('warning', 'service', `${status} at ${url}; ${detail}`, 'see GET /api/health');
  } catch (error) {
    if (!(error instanceof NotReachable))
      return found(
        'warning',
        'service',
        `at ${url}: ${(error as Error).message}`,
        'see the log of the service',
      );
    return port(url, error.message);
  }
};

/** Nobody answers: is the port free at least? */
const port = async (url: string, message: string): Promise<DoctorFinding> => {
  const { hostname, port: number } = new URL(url);
  const taken = await new Promise<string | null>((resolve) => {
    const server = createServer();
    server.once('error', (error: { code?: string }) => resolve(error.code ?? 'unknown'));
    server.listen(Number(number || 80), hostname.replace(/^\[|\]$/g, ''), () =>
      server.close(() => resolve(null)),
    );
  });
  if (taken === null) return found('warning', 'service', message, 'stagewright serve');
  return found(
    'wrong',
    'port',
    `${url} is taken by another program (${taken})`,
    'choose another port with --port',
  );
};

/** Processes of attempts of this data directory, while it has no service. */
const leftovers = async ({ dataDir }: Place): Promise<DoctorFinding> => {
  if ((await storeOf(dataDir)).owner) return ok('processes', 'are watched by the service');
  const pids = processesOf([dataDir]);
  if (pids.length === 0) return ok('processes', 'none is left behind');
  return found(
    'warning',
    'processes',
    `of stages of ${dataDir}, which no service has: ${pids.join(', ')}`,
    'start the service: it ends what it does not go on with',
  );
};

const dayMs = 24 * 3_600_000;
/** After so long a restore would lose more than most people expect. */
const staleMs = 7 * dayMs;
const ageText = (ms: number): string => {
  const days = Math.floor(ms / dayMs);
  if (days > 0) return `${days} ${days === 1 ? 'day' : 'days'} ago`;
  const hours = Math.floor(ms / 3_600_000);
  return hours > 0 ? `${hours} ${hours === 1 ? 'hour' : 'hours'} ago` : 'within the last hour';
};

const backup = async ({ dataDir }: Place): Promise<DoctorFinding> => {
  if (!(await stat(storeFileOf(dataDir)).catch(() => null)))
    return ok('backup', 'there is nothing to keep yet');
  const last = await lastBackupOf(dataDir);
  const todo = 'stagewright backup FILE, on another disk, from a timer (docs/operating.md)';
  if (!last) return found('warning', 'backup', 'none was ever made', todo);
  const ageMs = Date.now() - Date.parse(last.at);
  const detail = `the last one was made ${ageText(ageMs)} (${last.at}): ${last.file}, ${sizeText(last.bytes)}`;
  return ageMs > staleMs ? found('warning', 'backup', detail, todo) : ok('backup', detail);
};

const looks = [node, platform, files, folder, modes, disk, store, service, leftovers, backup];

/** Looks at everything a start depends on; each finding says what it means. */
export const examine = async (place: Place): Promise<DoctorFinding[]> => {
  const findings: DoctorFinding[] = [];
  for (const look of looks) findings.push(await look(place));
  return findings;
};
