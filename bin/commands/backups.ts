import { resolve } from 'node:path';
import { sizeText } from '../../definition/byte-size.ts';
import type { Written } from '../../services/backup/write-backup.ts';
import { StartTrouble } from '../../services/host/start-trouble.ts';
import { type Command, type Context, exits, Usage } from '../command.ts';
import { ownVersion } from '../own-version.ts';

const dataDirOf = ({ values, env }: Context): string =>
  resolve(values['data-dir'] ?? env.STAGEWRIGHT_DATA_DIR ?? './data');
const fileOf = ({ args: [file] }: Context, verb: string): string => {
  if (file === undefined) throw new Usage(`${verb}: name the file of the backup`);
  return resolve(file);
};

/** What is in the way is one sentence, and no stack. */
const inWords =
  (work: (context: Context) => Promise<number>) =>
  async (context: Context): Promise<number> => {
    // Parameters, outputs and logs are in what we write: for this user alone.
    process.umask(0o077);
    try {
      return await work(context);
    } catch (error) {
      if (!(error instanceof StartTrouble)) throw error;
      context.out.error(error.message);
      return exits.failed;
    }
  };

const tellFaults = ({ out }: Context, faults: string[]): void => {
  for (const fault of faults) out.line(`  ${out.paint('yellow', 'wrong in the store:')} ${fault}`);
};

const tellWritten = (context: Context, { file, bytes, head, leftOut, faults }: Written): void => {
  const { out } = context;
  const { runs, live, workspaces } = head;
  out.line(`${file}: ${sizeText(bytes)}, the store as it was at ${head.at}`);
  out.line(
    `  ${runs} ${runs === 1 ? 'run' : 'runs'}${live > 0 ? ` (${live} live)` : ''} with logs and archive${workspaces ? ' and workspaces' : ''}`,
  );
  if (!workspaces)
    out.line(
      live > 0
        ? '  without workspaces: a live run that reads files of earlier stages fails when it goes on from here (--workspaces)'
        : '  without workspaces and artefacts (--workspaces)',
    );
  for (const { path, why } of leftOut.slice(0, 5)) out.line(`  left out: ${path} (${why})`);
  if (leftOut.length > 5) out.line(`  and ${leftOut.length - 5} more`);
  tellFaults(context, faults);
  out.line(
    '  not in it: pipeline files, configuration, secrets, files outside of the data directory, and what stages keep in it',
  );
  out.line(
    '  in it, as they were recorded: parameters, outputs and logs. Secrets are masked in the logs of attempts that have ended',
  );
};

/** Commands that work on a data directory beside its service, or without one. */
export const backupCommands: Record<string, Command> = {
  backup: {
    usage: 'file [--data-dir ./data] [--workspaces]',
    help: 'write one file with the store, the logs and the archive, also while the service works',
    options: ['data-dir', 'workspaces', 'json'],
    maxArgs: 1,
    run: inWords(async (context) => {
      const { values, out } = context;
      const { writeBackup } = await import('../../services/backup/write-backup.ts');
      const written = await writeBackup({
        dataDir: dataDirOf(context),
        file: fileOf(context, 'backup'),
        hasWorkspaces: values.workspaces === true,
        version: ownVersion(),
        wallMs: Date.now,
      });
      if (values.json) out.json(written);
      else tellWritten(context, written);
      return exits.done;
    }),
  },
  restore: {
    usage: 'file [--data-dir ./data] [--force] [--paused]',
    help: 'make a data directory of a backup; --force sets aside what is there; --paused: no schedule fires until schedules resume',
    options: ['data-dir', 'force', 'paused', 'json'],
    maxArgs: 1,
    run: inWords(async (context) => {
      const { values, out } = context;
      const dataDir = dataDirOf(context);
      const { restoreBackup } = await import('../../services/backup/restore.ts');
      const { pauseKey } = await import('../../services/scheduler/scheduler.ts');
      const pause = { by: 'restore', at: Date.now(), reason: 'restored from a backup' };
      const { head, faults, aside } = await restoreBackup({
        file: fileOf(context, 'restore'),
        dataDir,
        isForced: values.force === true,
        meta: values.paused ? { [pauseKey]: JSON.stringify(pause) } : {},
        wallMs: Date.now,
      });
      if (values.json) out.json({ data_dir: dataDir, aside, faults, ...head });
      else {
        out.line(`${dataDir} is as it was at ${head.at}: ${head.runs} runs, ${head.live} live`);
        tellFaults(context, faults);
        if (aside) out.line(`  what was there before is in ${aside}`);
        out.line(
          values.paused
            ? '  schedules are paused: look at what they would do, then stagewright schedules resume'
            : '  at the next start live runs go on and slots since then count as missed; --paused holds the schedules',
        );
      }
      return exits.done;
    }),
  },
  'verify-store': {
    usage: '[--data-dir ./data] [--strict]',
    help: 'look through the whole store and what belongs to it, also while the service works; --strict: warnings count',
    options: ['data-dir', 'strict', 'json'],
    maxArgs: 0,
    run: inWords(async (context) => {
      const { values, out } = context;
      const dataDir = dataDirOf(context);
      const { verifyStore } = await import('../../services/backup/verify-store.ts');
      const verified = await verifyStore(dataDir);
      const { schema, runs, live, findings } = verified;
      if (values.json) out.json(verified);
      else {
        for (const { level, detail } of findings)
          level === 'fault'
            ? out.error(`${out.paint('red', 'FAULT')}  ${detail}`)
            : out.line(`${out.paint('yellow', 'warn')}   ${detail}`);
        if (findings.length === 0)
          out.line(`whole: ${runs} runs, ${live} live, schema ${schema}, in ${dataDir}`);
      }
      const bad = findings.filter(({ level }) => values.strict || level === 'fault');
      return bad.length > 0 ? exits.failed : exits.done;
    }),
  },
};
