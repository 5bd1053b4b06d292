/** Words that say how something is run, not what. */
const around = new Set(
  'cd test [ nice ionice flock timeout sudo env exec sh bash dash zsh ksh python python3 perl ruby node php java true false command time nohup setsid chronic chpst run-parts systemd-cat and if then'.split(
    ' ',
  ),
);
const maxLength = 40;

const asName = (word: string): string => {
  const base = word.split('/').findLast((part) => part !== '') ?? '';
  const plain = base.replace(/\.[A-Za-z0-9]{1,4}$/, '').toLowerCase();
  return plain
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, maxLength)
    .replace(/-+$/, '');
};

/** The name of what a command runs: its program, or the script that an interpreter is given. */
const nameOf = (command: string): string => {
  let isFolder = false;
  for (const word of command.match(/[^\s;&|()<>]+/g) ?? []) {
    const text = word.replaceAll(/["'`{}]/g, '');
    const name = asName(text);
    const isAround = around.has(text.split('/').at(-1) ?? '');
    // `cd /srv/app`, `test -x /usr/sbin/anacron`: the word after says where, not what.
    const skip = isFolder || isAround || name === '' || /^[-+$]|=/.test(text);
    isFolder = ['cd', 'test', '['].includes(text) || (isFolder && text.startsWith('-'));
    if (!skip) return name;
  }
  return 'job';
};

/** A name for each command, none twice and none of those that are taken. */
export const jobNames = (commands: readonly string[], taken: readonly string[]): string[] => {
  const given = new Set(taken);
  return commands.map((command) => {
    const base = nameOf(command);
    let name = base;
    for (let n = 2; given.has(name); n += 1) {
      const end = `-${n}`;
      name = `${base.slice(0, maxLength - end.length)}${end}`;
    }
    given.add(name);
    return name;
  });
};
