import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { type Command, type Context, exits, Usage } from '../command.ts';
import { firstConfig, firstPipeline } from '../first-files.ts';
import { unitFile } from '../unit-file.ts';

const program = fileURLToPath(new URL('../stagewright.mjs', import.meta.url));
const unitTemplate = fileURLToPath(
  new URL('../../ops/systemd/stagewright.service', import.meta.url),
);

/** Only a person at a terminal is asked. */
const wantsUnit = async ({ values }: Context): Promise<boolean> => {
  if (values.unit) return true;
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(
    'Write a systemd unit too, to run it as a service? [y/N] ',
  );
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
};

const filesFor = async (dir: string, hasUnit: boolean): Promise<[path: string, text: string][]> => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const files: [string, string][] = [
    [join(dir, 'pipelines/first.yaml'), firstPipeline(zone)],
    [join(dir, 'stagewright.json'), firstConfig],
  ];
  if (!hasUnit) return files;
  const text = unitFile(await readFile(unitTemplate, 'utf8'), {
    user: userInfo().username,
    dir,
    command: [process.execPath, program],
  });
  return [...files, [join(dir, 'stagewright.service'), text]];
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

export const initCommand: Record<string, Command> = {
  init: {
    usage: '[folder, default .] [--unit]',
    help: 'write a first pipeline and a file of settings, and with --unit a systemd unit; nothing is overwritten',
    options: ['unit'],
    maxArgs: 1,
    run: async (context) => {
      const { args, out } = context;
      const dir = resolve(args[0] ?? '.');
      const hasUnit = await wantsUnit(context);
      const files = await filesFor(dir, hasUnit);
      const taken: string[] = [];
      for (const [path] of files) if (await isThere(path)) taken.push(relative(dir, path));
      if (taken.length > 0)
        throw new Usage(
          `${taken.join(' and ')} ${taken.length === 1 ? 'is' : 'are'} there already in ${dir}, and nothing is overwritten: name another folder`,
        );
      for (const [path, text] of files) {
        await mkdir(dirname(path), { recursive: true });
        // `wx`: somebody may have written it since it was looked for.
        await writeFile(path, text, { flag: 'wx' });
        out.line(`wrote ${path}`);
      }
      const at = relative(process.cwd(), dir) || '.';
      out.line('');
      if (at !== '.') out.line(`  cd ${at}`);
      out.line('  stagewright serve --config stagewright.json     the service and its page');
      out.line(
        '  stagewright run first                           in another terminal: the first run',
      );
      out.line('  stagewright validate                            after each change of pipelines/');
      if (hasUnit) {
        out.line('');
        out.line(`  sudo cp ${join(dir, 'stagewright.service')} /etc/systemd/system/`);
        out.line('  sudo systemctl enable --now stagewright');
      }
      return exits.done;
    },
  },
};
