/** As programs turn a secret into output; each hides it from nobody. */
export const encodings: Record<string, (value: string) => string> = {
  raw: (value) => value,
  base64: (value) => Buffer.from(value).toString('base64'),
  'base64 after one byte': (value) => Buffer.from(`:${value}`).toString('base64'),
  'base64 after two bytes': (value) => Buffer.from(`u:${value}`).toString('base64'),
  'base64 before more': (value) => Buffer.from(`usr${value}:more`).toString('base64'),
  base64url: (value) => Buffer.from(`?>${value}`).toString('base64url'),
  hex: (value) => Buffer.from(value).toString('hex'),
  HEX: (value) => Buffer.from(value).toString('hex').toUpperCase(),
  url: encodeURIComponent,
  form: (value) => new URLSearchParams({ a: value }).toString().slice(2),
  json: (value) => JSON.stringify(value).slice(1, -1),
  'json twice': (value) => JSON.stringify(JSON.stringify({ a: value })),
  reversed: (value) => [...value].reverse().join(''),
};

/** What must be met nowhere: a dozen characters of any of these, wherever they are cut. */
export const piecesOf = (value: string): string[] => {
  const length = 12;
  const whole = Object.values(encodings).map((encode) => encode(value));
  return whole
    .flatMap((text) => text.split('\n'))
    .flatMap((text) =>
      Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) =>
        text.slice(at, at + length),
      ),
    );
};
