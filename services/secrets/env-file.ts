import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Far above any file of settings. */
const maxBytes = 256 * 1024;

export type EnvFile = { ok: true; values: Record<string, string> } | { ok: false; why: string };

const line = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
const unquoted = (value: string): string => {
  const [, , inside] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return inside ?? value;
};

/**
 * `NAME=value` lines: empty ones and those that begin with `#` say nothing, `export ` may stand
 * before a name, one pair of quotes around a value is taken off. Nothing is inserted or escaped.
 */
export const parseEnvFile = (text: string): EnvFile => {
  const values: [string, string][] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const given = raw.trim();
    if (given === '' || given.startsWith('#')) continue;
    const [, name, value = ''] = line.exec(given) ?? [];
    // The line itself is not repeated: it may hold a secret.
    if (name === undefined) return { ok: false, why: `has no NAME=value in line ${index + 1}` };
    if (value.includes('\0')) return { ok: false, why: `has a NUL byte in line ${index + 1}` };
    values.push([name, unquoted(value)]);
  }
  return { ok: true, values: Object.fromEntries(values) };
};

/** Links are followed: the user has named the file. Non-blocking: a pipe would wait for a writer. */
export const readEnvFile = (path: string): EnvFile => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown';
    return { ok: false, why: code === 'ENOENT' ? 'is not there' : `cannot be opened (${code})` };
  }
  try {
    if (!fstatSync(file).isFile()) return { ok: false, why: 'is no regular file' };
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = 1; read > 0 && length <= maxBytes; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > maxBytes) return { ok: false, why: 'is larger than 256 kB' };
    return parseEnvFile(bytes.toString('utf8', 0, length));
  } catch (error) {
    return { ok: false, why: `cannot be read (${(error as { code?: string }).code})` };
  } finally {
    closeSync(file);
  }
};
