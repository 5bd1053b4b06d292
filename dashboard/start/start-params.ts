/** A parameter as the pipeline's file declares it. */
export type Param = {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  format?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  items?: { type: string };
  default?: unknown;
};
/** What stands in a field: text for everything that is typed, true or false for a switch. */
export type Entry = string | boolean;

/** Values are typed as text; a list of words is one word a line, anything deeper is JSON. */
const isLines = ({ type, items }: Param): boolean =>
  type === 'array' && (items?.type === 'string' || items === undefined);
export const isLong = ({ type }: Param): boolean => type === 'array' || type === 'object';
export const hintOf = (param: Param): string | null =>
  isLines(param)
    ? 'One a line.'
    : param.type === 'array'
      ? 'JSON, such as [1, 2].'
      : param.type === 'object'
        ? 'JSON, such as {"key": 1}.'
        : null;

export const entryOf = (param: Param, value: unknown = param.default): Entry => {
  if (param.type === 'boolean' && !param.enum) return value === true;
  if (value === undefined || value === null) return '';
  if (param.enum) return JSON.stringify(value);
  if (isLines(param) && Array.isArray(value)) return value.join('\n');
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
};

export type Read = { ok: true; value: unknown } | { ok: false; detail: string };
const json = (text: string): Read => {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, detail: 'is not valid JSON' };
  }
};

/**
 * The value of a field. Undefined = left empty: the service fills in the default, or says that it
 * has none.
 */
export const readEntry = (param: Param, entry: Entry): Read => {
  if (typeof entry === 'boolean') return { ok: true, value: entry };
  if (param.enum) return entry === '' ? { ok: true, value: undefined } : json(entry);
  if (isLines(param)) {
    const lines = entry.split('\n').map((line) => line.trim());
    return { ok: true, value: lines.filter(Boolean) };
  }
  if (entry.trim() === '')
    return {
      ok: true,
      value: param.type === 'string' && param.default !== undefined ? '' : undefined,
    };
  if (param.type === 'string') return { ok: true, value: entry };
  if (param.type === 'array' || param.type === 'object') return json(entry);
  const number = Number(entry);
  return Number.isFinite(number)
    ? { ok: true, value: number }
    : { ok: false, detail: 'is not a number' };
};
