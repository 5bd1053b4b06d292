import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { type Command, type Context, exits, Usage } from '../command.ts';
import { pipelineFile } from '../crontab/crontab-pipeline.ts';
import { jobNames } from '../crontab/job-name.ts';
import { type Crontab, readCrontab } from '../crontab/read-crontab.ts';

/** Names that no pipeline may have. */
const taken = ['reload', 'overview'];
type Made = { path: string; name: string; line: number; text: string };

const readSource = async (source: string | undefined): Promise<{ text: string; name: string }> => {
  if (source === undefined && process.stdin.isTTY)
    throw new Usage(
      'import crontab: name a file, or pipe one in: crontab -l | stagewright import crontab',
    );
  if (source === undefined || source === '-')
    return { text: await readAll(process.stdin), name: 'a crontab' };
  try {
    return { text: await readFile(source, 'utf8'), name: basename(source) };
  } catch (error) {
    throw new Usage(
      `import crontab: ${source} cannot be read (${(error as { code?: string }).code})`,
    );
  }
};

const filesOf = ({ jobs }: Crontab, source: string, out: string, timezone: string): Made[] => {
  const names = jobNames(
    jobs.map(({ command }) => command),
    taken,
  );
  return jobs.map((job, index) => {
    const name = names[index] as string;
    return {
      path: join(out, `${name}.yaml`),
      name,
      line: job.line,
      text: pipelineFile(job, { name, source, timezone }),
    };
  });
};

/** Writes them all, or none where one is there already and nobody said --force. */
const write = async (made: Made[], out: string, isForced: boolean): Promise<void> => {
  await mkdir(out, { recursive: true });
  const there = await readdir(out);
  const inTheWay = made.filter(({ path }) => there.includes(basename(path)));
  if (inTheWay.length > 0 && !isForced)
    throw new Usage(
      `import crontab: ${inTheWay.map(({ path }) => basename(path)).join(', ')} in ${out} would be written over, so nothing was written; give another --out, or --force`,
    );
  // One that came meanwhile is not written over either.
  for (const { path, text } of made) await writeFile(path, text, { flag: isForced ? 'w' : 'wx' });
};

const tell = ({ out }: Context, crontab: Crontab, made: Made[], isDry: boolean): void => {
  for (const [index, { path, line, text }] of made.entries()) {
    const job = crontab.jobs[index];
    out.line(`${out.paint('green', isDry ? 'would write' : 'wrote')} ${path}  (line ${line})`);
    for (const one of job?.notes ?? []) out.line(`    ${out.paint('yellow', 'note')} ${one}`);
    if (isDry) out.line(text.replaceAll(/^(?=.)/gm, '    '));
  }
  for (const one of crontab.notes) out.line(`${out.paint('yellow', 'note')} ${one}`);
  for (const { line, text, why } of crontab.leftOut)
    out.line(`${out.paint('red', 'left out')} line ${line}: ${why}\n    ${text}`);
  if (made.length > 0 && !isDry)
    out.line(
      'Now: stagewright validate, stagewright schedules upcoming, and take the lines out of the crontab; docs/from-cron.md says what changes.',
    );
};

const importCrontab = async (context: Context): Promise<number> => {
  const { args, values, out } = context;
  const source = await readSource(args[1]);
  const timezone = values.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const crontab = readCrontab(source.text, values.system ?? false);
  const folder = resolve(values.out ?? './pipelines');
  const made = filesOf(crontab, source.name, folder, timezone);
  const isDry = values['dry-run'] ?? false;
  if (!isDry && made.length > 0) await write(made, folder, values.force ?? false);
  if (values.json)
    out.json({
      files: made.map(({ path, name, line, text }, index) => ({
        path,
        pipeline: name,
        line,
        notes: crontab.jobs[index]?.notes ?? [],
        ...(isDry && { text }),
      })),
      notes: crontab.notes,
      left_out: crontab.leftOut,
    });
  else tell(context, crontab, made, isDry);
  if (made.length === 0) out.error('there is no line to carry over');
  return crontab.leftOut.length > 0 || made.length === 0 ? exits.failed : exits.done;
};

export const importCommands: Record<string, Command> = {
  import: {
    usage: 'crontab [file | -] [--out folder] [--timezone zone] [--system] [--dry-run] [--force]',
    help: 'writes a pipeline file for each line of a crontab, and says what it could not carry over; --system: lines have a user',
    options: ['out', 'timezone', 'system', 'dry-run', 'force', 'json'],
    maxArgs: 2,
    run: (context) => {
      const [what] = context.args;
      if (what !== 'crontab')
        throw new Usage(`import ${what ?? ''}: expected import crontab [file | -]`);
      return importCrontab(context);
    },
  },
};
