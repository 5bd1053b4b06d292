import { z } from 'zod';
import { sizeSchema } from '../byte-size.ts';
import { closed } from '../closed.ts';
import { references } from '../interpolate.ts';
import { stageKind } from './kind-rules.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Which redirects are followed. */
const redirects = ['none', 'same-host', 'any'] as const;
const withoutBody: readonly string[] = ['GET', 'HEAD'];
/** They say how a request is sent, which is not the file's to decide (RFC 9110, 9112). */
const ownHeaders = ['connection', 'content-length', 'transfer-encoding', 'upgrade', 'expect'];

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of a header')
  .refine((name) => !ownHeaders.includes(name.toLowerCase()), 'is set by the service');
const written = closed({
  url: z.string(),
  method: z.enum(methods).default('GET'),
  headers: z.record(headerName, z.string()).default({}),
  body: z.json().optional(),
  expect: closed({ status: z.array(z.int().min(200).max(599)).min(1).optional() }).prefault({}),
  redirect: z.enum(redirects).default('none'),
  max_body: sizeSchema
    .refine((bytes) => bytes >= 1 && bytes <= 64 * 1024 ** 2, { error: 'must be 1 to 64MB' })
    .default(1024 ** 2),
}).refine(({ method, body }) => body === undefined || !withoutBody.includes(method), {
  path: ['body'],
  error: 'a request without a method, or with GET or HEAD, has no body; say method: POST',
});

type Http = {
  kind: 'http';
  url: string;
  method: string;
  headers: Record<string, string>;
  /** JSON, or a text that is sent as it is. Absent = none. */
  body?: unknown;
  /** null = every 2xx. */
  statuses: number[] | null;
  /** Absent in definitions that were stored before: none. */
  redirect?: (typeof redirects)[number];
  maxBytes: number;
};

const isAddress = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && ['http:', 'https:'].includes(url.protocol);
};

/** A request to another service, made by this one: there is no process. */
export const httpKind = stageKind({
  key: 'http',
  written,
  fromFile: ({ url, method, headers, body, expect, redirect, max_body }): Http => ({
    kind: 'http',
    url,
    method,
    headers,
    ...(body !== undefined && { body }),
    statuses: expect.status ?? null,
    redirect,
    maxBytes: max_body,
  }),
  answer: z.object({
    url: z.string(),
    method: z.string(),
    headers: z.array(z.string()),
    has_body: z.boolean(),
    expect: z.object({ status: z.array(z.int()).nullable() }),
    redirect: z.enum(redirects),
    max_body_bytes: z.number(),
  }),
  // What headers and body hold is for the other side, like the values of variables.
  view: ({ url, method, headers, body, statuses, redirect, maxBytes }) => ({
    url,
    method,
    headers: Object.keys(headers),
    has_body: body !== undefined,
    expect: { status: statuses },
    redirect: redirect ?? 'none',
    max_body_bytes: maxBytes,
  }),
  describe: ({ method, url }) => `${method} ${url}`,
  parts: ({ url, headers, body }) => [
    { path: ['http', 'url'], value: url },
    ...Object.entries(headers).map(([name, value]) => ({
      path: ['http', 'headers', name],
      value,
      takesSecrets: true,
    })),
    { path: ['http', 'body'], value: body, takesSecrets: true },
  ],
  problems: ({ url }) => {
    const isWhole = references(url).length === 0;
    if (isWhole ? isAddress(url) : /^(https?:\/\/|\$\{)/i.test(url)) return [];
    const detail = 'expected an address that begins with http:// or https://';
    return [{ path: ['http', 'url'], code: 'invalid', detail }];
  },
  lint: () => [],
  // There is no program that could use them, and a request ends at once.
  refuses: ['with', 'cwd', 'env', 'envFile', 'graceMs', 'limits'],
});
