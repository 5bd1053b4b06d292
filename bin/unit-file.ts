/** What systemd takes for one word (systemd.syntax(7)); `%` and `$` would be replaced. */
const quoted = (text: string): string =>
  `"${text.replaceAll('%', '%%').replaceAll('$', '$$$$').replaceAll(/["\\]/g, '\\$&')}"`;
/** A path that is no command line: only `%` has a meaning. */
const plain = (text: string): string => text.replaceAll('%', '%%');

/**
 * The unit of ops/ for a project folder and the user who has it: what differs are these lines.
 */
export const unitFile = (
  template: string,
  own: { user: string; dir: string; command: string[] },
): string => {
  const { user, dir, command } = own;
  const words = [...command, 'serve', '--config', `${dir}/stagewright.json`];
  const lines: Record<string, string> = {
    User: user,
    WorkingDirectory: plain(dir),
    ExecStart: words.map(quoted).join(' '),
    ReadWritePaths: quoted(dir),
  };
  return template
    .split('\n')
    .flatMap((line) => {
      const [key = ''] = line.split('=');
      // The folder is there, and its owner's.
      if (key.startsWith('StateDirectory')) return [];
      return [Object.hasOwn(lines, key) ? `${key}=${lines[key]}` : line];
    })
    .join('\n');
};
