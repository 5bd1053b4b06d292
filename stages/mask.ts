/**
 * Hides the secrets of a pipeline: in bytes by as many asterisks, so that offsets stay true; in
 * texts by three.
 */
export type Mask = {
  /** Of the longest form of a secret; 0 when there is none. */
  longestBytes: number;
  /** As long as what was given. */
  bytes(given: Buffer): Buffer;
  text(given: string): string;
  /** The bytes from `from` on as text; a secret that begins before `from` is hidden whole. */
  textFrom(given: Buffer, from: number): string;
  json<T>(value: T): T;
};
type Span = { from: number; to: number };

export const noMask: Mask = {
  longestBytes: 0,
  bytes: (given) => given,
  text: (given) => given,
  textFrom: (given, from) => given.subarray(from).toString('utf8'),
  json: (value) => value,
};

/** A value that is shorter would blank half of every log. */
export const minSecretLength = 4;
/** Forms other than the value itself: of what is shorter they would be met by chance. */
const minEncodedBytes = 8;
const minFormBytes = 6;

/**
 * What base64 makes of the value wherever it begins in the encoded text (`user:value` of an
 * Authorization header): characters that also depend on a neighbour are cut off.
 */
const base64Forms = (value: Buffer): string[] =>
  [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), value])
      .toString('base64')
      .replace(/=+$/, '');
    const isWhole = (before + value.length) % 3 === 0;
    return encoded.slice(before === 0 ? 0 : before + 1, isWhole ? undefined : -1);
  });

const urlForms = (value: string): string[] => {
  const url = encodeURIComponent(value.toWellFormed());
  const strict = url.replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const form = new URLSearchParams({ a: value }).toString().slice(2);
  const upper = [url, strict, url.replaceAll('%2F', '/'), strict.replaceAll('%20', '+'), form];
  return [...upper, ...upper.map((form) => form.replaceAll(/%../g, (one) => one.toLowerCase()))];
};

const jsonForms = (value: string): string[] => {
  const inner = (text: string): string => JSON.stringify(text).slice(1, -1);
  const ascii = (text: string): string =>
    text.replaceAll(
      /[\u007f-\uffff]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  const once = inner(value);
  // A third time: what is JSON twice already stands in a line of our protocol.
  return [once, ascii(once)].flatMap((text) => [
    text,
    inner(text),
    inner(inner(text)),
    text.replaceAll('/', '\\/'),
  ]);
};

/** The forms in which a value turns up in output: itself, its lines, and as programs encode it. */
const formsOf = (value: string): string[] => {
  const own = value.length < minSecretLength || /\n/.test(value) ? [] : [value];
  const bytes = Buffer.from(value);
  if (bytes.length < minEncodedBytes) return own;
  const base64 = base64Forms(bytes);
  const hex = bytes.toString('hex');
  const lines = value.split(/\r?\n/);
  const texts = [...lines, ...lines.map((line) => [...line].reverse().join(''))];
  const others = [
    ...texts,
    ...texts.flatMap(jsonForms),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
    hex,
    hex.toUpperCase(),
    ...urlForms(value),
    ...jsonForms(value),
  ];
  return [
    ...own,
    ...others.filter((form) => Buffer.byteLength(form) >= minFormBytes && !form.includes('\n')),
  ];
};

/** As JSON reads it: of a long one only the first digits are left. */
const isNumberOf = (value: string, number: number): boolean =>
  String(number) === value || (/^-?\d{16,}$/.test(value) && Number(value) === number);

/** Overlapping and touching ones become one. */
const merged = (spans: Span[]): Span[] => {
  const all: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else all.push(span);
  }
  return all;
};

export const maskOfValues = (values: string[]): Mask => {
  const needles = [...new Set(values.flatMap(formsOf))].map((form) => Buffer.from(form));
  if (needles.length === 0) return noMask;

  const spansOf = (given: Buffer): Span[] => {
    const spans: Span[] = [];
    for (const needle of needles) {
      let last: Span | null = null;
      // One byte on, not one needle: occurrences may overlap.
      for (let at = given.indexOf(needle); at >= 0; at = given.indexOf(needle, at + 1)) {
        const to = at + needle.length;
        if (last && at <= last.to) last.to = to;
        else {
          last = { from: at, to };
          spans.push(last);
        }
      }
    }
    return merged(spans);
  };
  const textFrom = (given: Buffer, from: number): string => {
    let text = '';
    let at = from;
    for (const span of spansOf(given)) {
      if (span.to <= from) continue;
      text += `${given.toString('utf8', at, Math.max(at, span.from))}***`;
      at = span.to;
    }
    return text + given.toString('utf8', at);
  };
  const text = (given: string): string => {
    const bytes = Buffer.from(given);
    return spansOf(bytes).length === 0 ? given : textFrom(bytes, 0);
  };
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number')
      return values.some((one) => isNumberOf(one, value)) ? '***' : value;
    if (Array.isArray(value)) return value.map(deep);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [text(key), deep(inner)]),
    );
  };
  return {
    longestBytes: Math.max(...needles.map(({ length }) => length)),
    bytes: (given) => {
      const spans = spansOf(given);
      if (spans.length === 0) return given;
      const masked = Buffer.from(given);
      for (const { from, to } of spans) masked.fill('*', from, to);
      return masked;
    },
    text,
    textFrom,
    json: (value) => deep(value) as typeof value,
  };
};
