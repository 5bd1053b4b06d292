import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { loadPipelines } from '../../services/pipelines.ts';
import { type Command, exits, Usage } from '../command.ts';
import { examine } from './examine.ts';

/** Commands that need no service. */
export const localCommands: Record<string, Command> = {
  validate: {
    usage: '[folder or file, default ./pipelines]',
    help: 'read pipeline files and name every fault with its line; shows how paths resolve',
    ...{ options: ['json'], maxArgs: 1 },
    run: async ({ args: [given = './pipelines'], values, out }) => {
      const path = resolve(given);
      const info = await stat(path).catch(() => null);
      if (!info) throw new Usage(`there is no ${given}`);
      const loaded = await loadPipelines(info.isDirectory() ? path : dirname(path));
      const isMeant = (file: string): boolean => info.isDirectory() || file === basename(path);
      const pipelines = [...loaded.pipelines.values()].filter(({ file }) => isMeant(file));
      const problems = loaded.problems.filter(({ file }) => isMeant(file));
      if (values.json)
        out.json({ pipelines: pipelines.map(({ definition, projectDir }) => ({ definition, project_dir: projectDir })), problems });
      else {
        for (const { definition, file, projectDir } of pipelines)
          out.line(
            `${out.paint('green', 'ok')}  ${file}  ${definition.name}: ${definition.stages.map(({ name }) => name).join(' → ')}  (paths from ${projectDir})`,
          );
        for (const { file, line, pointer, detail } of problems)
          out.error(`${out.paint('red', 'fault')}  ${file}${line ? `:${line}` : ''}  ${pointer ? `${pointer}: ` : ''}${detail}`);
      }
      return problems.length === 0 ? exits.done : exits.failed;
    },
  },
  doctor: {
    usage: '[--data-dir ./data] [--pipelines ./pipelines]',
    help: 'look for what is wrong here, and say what to do',
    ...{ options: ['data-dir', 'pipelines', 'json'], maxArgs: 0 },
    run: async ({ api, url, values, out, env }) => {
      const dataDir = values['data-dir'] ?? env.STAGEWRIGHT_DATA_DIR ?? './data';
      const pipelines = values.pipelines ?? env.STAGEWRIGHT_PIPELINES ?? './pipelines';
      const findings = await examine({ api, url, dataDir: resolve(dataDir), pipelines: resolve(pipelines) });
      const words = { ok: out.paint('green', 'ok  '), warning: out.paint('yellow', 'warn'), wrong: out.paint('red', 'FAIL') };
      for (const finding of findings)
        if (values.json) out.json(finding);
        else
          out.line(
            `${words[finding.level]}  ${finding.what.padEnd(10)}  ${finding.detail}${finding.todo ? `\n      → ${finding.todo}` : ''}`,
          );
      return findings.some(({ level }) => level === 'wrong') ? exits.failed : exits.done;
    },
  },
};
