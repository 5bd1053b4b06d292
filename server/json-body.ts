import type { IncomingMessage, ServerResponse } from 'node:http';

const maxDepth = 64;
const maxValues = 10_000;

/** An error with the `type` by which the table of refusals knows it. */
const typed = (type: string): Error => Object.assign(new Error(type), { type });

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const opening = [0x7b, 0x5b];
const ending = [0x7d, 0x5d];

/**
 * How deep a JSON text nests and how many values it holds, found in one pass over its bytes: what
 * is read afterwards by recursion, or value by value, has a bound. Text that is no JSON gets some
 * figure, too; the parser refuses it.
 */
export const measureJson = (bytes: Uint8Array): { depth: number; values: number } => {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number;
    if (inString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (opening.includes(byte)) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (ending.includes(byte)) depth -= 1;
    else if (byte === comma || byte === colon) values += 1;
  }
  return { depth: deepest, values };
};

/** Before anything is parsed; throws what the reader passes on. */
export const verifyBody = (
  _request: IncomingMessage,
  _response: ServerResponse,
  bytes: Buffer,
  charset: string,
): void => {
  // The bytes of another one would be measured wrongly; RFC 8259 knows only this.
  if (charset !== 'utf-8') throw typed('charset.unsupported');
  const { depth, values } = measureJson(bytes);
  if (depth > maxDepth) throw typed('json.too.deep');
  if (values > maxValues) throw typed('json.too.many');
};

/** Where `__proto__` stands as a key; zod leaves it out without a word, as if it were not there. */
export const protoPointers = (value: unknown, pointer = ''): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '__proto__'
      ? [`${pointer}/${key}`]
      : protoPointers(inner, `${pointer}/${key.slice(0, 60)}`),
  );
};
