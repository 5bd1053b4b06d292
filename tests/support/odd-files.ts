import { execFileSync } from 'node:child_process';

/**
 * Everything that can stand in the place of a file that we read: how a shell makes it at `$1`, and
 * the words that name the cause. null: the system lets it be read like any other file.
 */
export const oddFiles: Record<string, { make: string; says: RegExp }> = {
  'a named pipe': { make: 'mkfifo "$1"', says: /named pipe/ },
  'a link to a file': { make: 'echo {} > "$1.real"; ln -s "$1.real" "$1"', says: /is a link/ },
  'a link to /dev/zero': { make: 'ln -s /dev/zero "$1"', says: /is a link/ },
  'a dangling link': { make: 'ln -s "$1.nowhere" "$1"', says: /is a link/ },
  'a directory': { make: 'mkdir "$1"', says: /directory/ },
  'a socket': {
    make: `exec "${process.execPath}" -e 'process.chdir(require("path").dirname(process.argv[1])); require("net").createServer().listen(require("path").basename(process.argv[1]), () => process.kill(process.pid, "SIGKILL"))' "$1"`,
    says: /is a socket/,
  },
};

/** What is a file, but no text of ours. */
export const oddContents: Record<string, { make: string; says: RegExp }> = {
  empty: { make: ': > "$1"', says: /is empty/ },
  'huge and sparse': { make: 'truncate -s 100G "$1"', says: /larger than/ },
  'UTF-16': { make: `printf '\\377\\376{\\000}\\000' > "$1"`, says: /not UTF-8/ },
  'Latin-1': { make: `printf '{"a":"caf\\351"}' > "$1"`, says: /not UTF-8/ },
  'NUL bytes': { make: 'head -c 100 /dev/zero > "$1"', says: /NUL bytes/ },
};

/** A device needs rights that not everybody has. */
const canMakeDevice = ((): boolean => {
  try {
    execFileSync(
      'sh',
      ['-c', 'd=$(mktemp -d) && mknod "$d/x" c 1 5 && rm -r "$d" || { rm -r "$d"; exit 1; }'],
      { stdio: 'ignore' },
    );
    return true;
  } catch {
    return false;
  }
})();
if (canMakeDevice)
  oddFiles['a device'] = { make: 'mknod "$1" c 1 5', says: /device|may not be read/ };
if (process.getuid?.() !== 0)
  oddFiles['a file nobody may read'] = { make: 'echo {} > "$1"; chmod 0 "$1"', says: /EACCES/ };

/** Puts it there, in the place of whatever was. */
export const placeOdd = (path: string, { make }: { make: string }): void => {
  try {
    execFileSync('sh', ['-c', `rm -rf "$1"; ${make}`, 'sh', path], { stdio: 'ignore' });
  } catch (error) {
    // The one that makes a socket goes without removing it.
    if ((error as { signal?: string }).signal !== 'SIGKILL') throw error;
  }
};
