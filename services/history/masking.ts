import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf } from '../../stages/evidence.ts';
import { noMask } from '../../stages/mask.ts';
import { UnreadableFile } from '../../stages/written-file.ts';
import type { Log } from '../host/logger.ts';
import { attemptDirOf } from '../host/paths.ts';
import { plainError } from '../host/plain-error.ts';
import type { ByteMask } from '../secrets/byte-mask.ts';
import { hasSecrets, type Secrets } from '../secrets/secrets.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { withMaskedFile } from './masked-file.ts';

/**
 * Hides the secrets in the files of an attempt once nothing needs them as they were written: then
 * no reader needs the values that were valid in those days.
 */
export type Masking = {
  /** Before an attempt is given secrets: a crash from now on leaves a note that it was. */
  begin(run: RunRow, stage: string, attempt: number): Promise<void>;
  /** Stops in the middle of a file, too; the next service goes on. */
  close(): Promise<void>;
  /** The attempts that an earlier service has left so. */
  load(): Promise<void>;
  /** Masks the files of all attempts whose answers are recorded. */
  look(): Promise<void>;
  /** The same, for whoever does not wait for it. */
  soon(): void;
};

const chunkBytes = 256 * 1024;

/** The file in parts, masked; none when there is no such file. */
const inParts = (
  path: string,
  mask: ByteMask,
  signal: AbortSignal,
  take: (bytes: Buffer, offset: number) => Promise<void>,
): Promise<unknown> =>
  withMaskedFile(path, mask, async (file) => {
    for (let offset = 0; offset < file.size; offset += chunkBytes) {
      signal.throwIfAborted();
      await take(await file.read(offset, chunkBytes), offset);
    }
  });

const hasSecret = async (path: string, mask: ByteMask, signal: AbortSignal): Promise<boolean> => {
  let found = false;
  await withMaskedFile(path, noMask, (raw) =>
    inParts(path, mask, signal, async (bytes, offset) => {
      found ||= !bytes.equals(await raw.read(offset, bytes.length));
    }),
  );
  return found;
};

/** As long as before, and whole at every moment: written beside it and put in its place. */
const maskFile = async (path: string, mask: ByteMask, signal: AbortSignal): Promise<void> => {
  if (!(await hasSecret(path, mask, signal))) return;
  const copy = `${path}.masked`;
  // A stage may have left anything by this name.
  await rm(copy, { force: true, recursive: true });
  const out = await open(copy, 'wx', 0o600);
  try {
    await inParts(path, mask, signal, (bytes) => out.appendFile(bytes));
    await out.datasync();
  } finally {
    await out.close();
  }
  await rename(copy, path);
};

export const createMasking = (deps: {
  dataDir: string;
  store: Pick<Store, 'effects' | 'run'>;
  secrets: Pick<Secrets, 'maskOf'>;
  log: Log;
}): Masking => {
  const { dataDir, store, secrets, log } = deps;
  /** One empty file for each attempt that is not masked yet: a name, and never a value. */
  const folder = join(dataDir, 'unmasked');
  const open = new Set<string>();
  let turn: Promise<void> | null = null;
  let isAsked = false;
  const closing = new AbortController();
  const nameOf = (runId: string, stage: string, attempt: number): string =>
    `${runId}.${stage}.${attempt}`;

  const maskAttempt = async (name: string): Promise<void> => {
    const [runId = '', stage = '', attempt = ''] = name.split('.');
    const found = await store.run(runId);
    if (found) {
      const files = filesOf(attemptDirOf(dataDir, runId, stage, Number(attempt)));
      const mask = secrets.maskOf(found.run);
      for (const path of [files.stdout, files.stderr, files.outputs])
        await maskFile(path, mask, closing.signal).catch((error) => {
          // Nobody can read it, so nobody is shown anything.
          if (!(error instanceof UnreadableFile)) throw error;
        });
    }
    await rm(join(folder, name), { force: true });
    open.delete(name);
  };

  const round = async (): Promise<void> => {
    const live = new Set(
      (await store.effects())
        .filter(({ kind }) => kind === 'stage')
        .map(({ runId, input, attempt }) => nameOf(runId, input.stage ?? '', attempt)),
    );
    for (const name of [...open].filter((one) => !live.has(one))) {
      if (closing.signal.aborted) return;
      try {
        await maskAttempt(name);
      } catch (error) {
        if (closing.signal.aborted) return;
        // On a full disk, for one: the values stay known, and the next look tries again.
        log('the files of an attempt could not be masked; it is tried again', {
          attempt: name,
          error: String(error),
        });
      }
    }
  };
  const rounds = async (): Promise<void> => {
    while (isAsked && !closing.signal.aborted) {
      isAsked = false;
      await round();
    }
  };

  const look = async (): Promise<void> => {
    if (open.size === 0) return;
    isAsked = true;
    turn ??= rounds().finally(() => {
      turn = null;
    });
    await turn;
  };

  return {
    begin: async (run, stage, attempt) => {
      if (!hasSecrets(run.definition)) return;
      const name = nameOf(run.runId, stage, attempt);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(join(folder, name), '', { mode: 0o600 });
      open.add(name);
    },
    load: async () => {
      for (const name of await readdir(folder).catch(() => [])) open.add(name);
    },
    look,
    soon: () =>
      void look().catch((error) => log('files could not be masked', { error: plainError(error) })),
    close: async () => {
      closing.abort();
      await turn?.catch(() => {});
    },
  };
};
