import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { defaultShutdownTimeoutMs } from '../../services/host/config.ts';
import { lintLine, lintOf } from '../../services/pipelines/lint-pipeline.ts';
import { loadPipelines } from '../../services/pipelines/pipelines.ts';
import { factsOfFile } from '../../services/scheduler/schedule-facts.ts';
import { groupField } from '../../services/store/run-view.ts';
import { flowText } from '../../wire/beside.ts';
import { type Command, exits, Usage } from '../command.ts';
import { examine } from './examine.ts';

const severityColors = { info: 'blue', warning: 'yellow', error: 'red' } as const;

/** Commands that need no service. */
export const localCommands: Record<string, Command> = {
  validate: {
    usage: '[folder or file, default ./pipelines] [--strict]',
    help: 'check pipeline files: every error with its line, and lint findings; --strict: warnings count',
    options: ['json', 'strict'],
    maxArgs: 1,
    run: async ({ args: [given = './pipelines'], values, out }) => {
      const path = resolve(given);
      const info = await stat(path).catch(() => null);
      if (!info) throw new Usage(`there is no ${given}`);
      const loaded = await loadPipelines(info.isDirectory() ? path : dirname(path));
      const isMeant = (file: string): boolean => info.isDirectory() || file === basename(path);
      const shutdownTimeoutMs = defaultShutdownTimeoutMs;
      const meant = [...loaded.pipelines.values()].filter(({ file }) => isMeant(file));
      const pipelines = await Promise.all(
        meant.map(async (entry) => {
          const schedules = await factsOfFile(entry, Date.now());
          return { ...entry, lint: lintOf(entry, { shutdownTimeoutMs, schedules }) };
        }),
      );
      const problems = loaded.problems.filter(({ file }) => isMeant(file));
      if (values.json)
        out.json({
          pipelines: pipelines.map(({ definition, projectDir, lint }) => ({
            definition,
            project_dir: projectDir,
            lint,
          })),
          problems,
        });
      else {
        for (const { definition, file, projectDir, lint } of pipelines) {
          const shown = definition.stages.map(({ name }) => ({
            name,
            ...groupField(definition, name),
          }));
          out.line(
            `${out.paint('green', 'ok')}  ${file}  ${definition.name}: ${flowText(shown)}  (paths from ${projectDir})`,
          );
          for (const finding of lint)
            out.line(
              `    ${out.paint(severityColors[finding.severity], finding.severity)}  ${lintLine(file, finding)}`,
            );
        }
        for (const { file, line, pointer, detail } of problems)
          out.error(
            `${out.paint('red', 'fault')}  ${file}${line ? `:${line}` : ''}  ${pointer ? `${pointer}: ` : ''}${detail}`,
          );
      }
      const counts = values.strict ? ['warning', 'error'] : ['error'];
      const isWell = pipelines.every(({ lint }) =>
        lint.every(({ severity }) => !counts.includes(severity)),
      );
      return problems.length === 0 && isWell ? exits.done : exits.failed;
    },
  },
  doctor: {
    usage: '[--data-dir ./data] [--pipelines ./pipelines]',
    help: 'look for what is wrong here, and say what to do',
    options: ['data-dir', 'pipelines', 'json'],
    maxArgs: 0,
    run: async ({ apiAt, url, values, out, env }) => {
      const dataDir = values['data-dir'] ?? env.STAGEWRIGHT_DATA_DIR ?? './data';
      const pipelines = values.pipelines ?? env.STAGEWRIGHT_PIPELINES ?? './pipelines';
      const findings = await examine({
        apiAt,
        url,
        dataDir: resolve(dataDir),
        pipelines: resolve(pipelines),
      });
      const words = {
        ok: out.paint('green', 'ok  '),
        warning: out.paint('yellow', 'warn'),
        wrong: out.paint('red', 'FAIL'),
      };
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
