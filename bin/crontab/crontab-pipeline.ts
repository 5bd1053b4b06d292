import { withoutControls } from '../../definition/free-text.ts';
import { schemaLine } from '../schema-line.ts';
import type { CronJob } from './read-crontab.ts';

/** `${` is ours, and stands for itself when it is doubled. */
const literal = (text: string): string => text.replaceAll('${', () => '$${');
/** JSON is YAML, whatever the text holds. */
const quoted = (text: string): string => JSON.stringify(text);
const indented = (text: string, by: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : `${by}${line}`))
    .join('\n');
const isPlain = (text: string): boolean =>
  withoutControls(text) === text && !/[^\S\n ]|[\u2028\u2029\ufeff]/.test(text);

/** A word that is no line of the text. */
const endOf = (text: string): string => {
  let word = 'END';
  while (text.split('\n').includes(word)) word += '_';
  return word;
};
/** cron begins in the home of its user, and gives its command what stands behind the first `%`. */
const scriptOf = ({ command, input }: CronJob): string => {
  if (input === null) return `cd\n${command}\n`;
  const end = endOf(input);
  return `cd\n{ ${command}\n} <<'${end}'\n${input}\n${end}\n`;
};

/** A text as a block, where YAML can show it so. */
const blockOf = (text: string, by: string): string =>
  isPlain(text) ? `|\n${indented(text.replace(/\n$/, ''), by)}` : quoted(text);

const shells = ['sh', 'bash', 'dash', 'ksh', 'zsh'];
/** A script, where the shell is one that scripts may have; else the shell as a program. */
const programOf = (job: CronJob): string[] => {
  const script = scriptOf(job);
  const [, shell] = /^(?:\/usr)?\/bin\/(\w+)$/.exec(job.shell) ?? [];
  if (shell === undefined || !shells.includes(shell))
    return [
      '    run:',
      `      - ${quoted(literal(job.shell))}`,
      '      - -c',
      `      - ${blockOf(literal(script), '        ')}`,
    ];
  // A script ends where a command fails; a line of a crontab goes on.
  const text = `set +eu\n${script}`;
  return shell === 'sh'
    ? [`    script: ${blockOf(text, '      ')}`]
    : ['    script:', `      shell: ${shell}`, `      text: ${blockOf(text, '        ')}`];
};

const comment = (text: string): string =>
  withoutControls(text)
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');

/** A pipeline file that does what a line of a crontab does. */
export const pipelineFile = (
  job: CronJob,
  { name, source, timezone }: { name: string; source: string; timezone: string },
): string => {
  const { cron, env, line, notes, text } = job;
  const variables = Object.entries(env).map(
    ([key, value]) => `  ${key}: ${quoted(literal(value))}`,
  );
  return [
    schemaLine,
    comment(`Line ${line} of ${source}, by stagewright import crontab:\n  ${text}`),
    ...notes.map(comment),
    `name: ${name}`,
    `timezone: ${job.timezone ?? timezone}`,
    ...(variables.length > 0 ? ['env:', ...variables] : []),
    'stages:',
    '  - name: job',
    ...programOf(job),
    '    # cron sets no limit. Say how long it may take, and it is ended in time when it hangs.',
    '    timeout: 1d',
    '    # cron does not try again. If it may run twice, let it: { limit: 2, backoff: { initial: 1m } }',
    '    retry: { limit: 0 }',
    ...(cron === null
      ? []
      : [
          'schedules:',
          '  # A run that still works when the next is due is not joined by a second one, as it would be with cron.',
          `  - { cron: ${quoted(cron)}, overlap: skip }`,
        ]),
    '',
  ].join('\n');
};
