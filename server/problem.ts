import { z } from 'zod';
import {
  ServiceError,
  type ServiceErrorCode,
  serviceErrors,
} from '../services/host/service-error.ts';

/** RFC 9457, with our stable `code`; some codes add members of their own. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** What the JSON reader of the HTTP layer calls its refusals. */
const readerCodes: Record<string, [ServiceErrorCode, string]> = {
  'entity.parse.failed': ['invalid-json', 'the body cannot be read as JSON'],
  'json.too.deep': ['invalid-json', 'a body may nest 64 levels deep'],
  'json.too.many': ['invalid-json', 'a body may hold 10000 values; pass big data by reference'],
  'entity.too.large': ['body-too-large', 'a body may be at most 1 MiB'],
  'encoding.unsupported': ['unsupported-media-type', 'the content encoding is not supported'],
  'charset.unsupported': ['unsupported-media-type', 'the charset must be UTF-8'],
  'request.aborted': ['invalid-json', 'the body ended too early'],
  'request.size.invalid': ['invalid-json', 'the body is not as long as it says'],
};

/** @returns null when the error is no caller's fault but a bug */
export const callersFault = (error: unknown): ServiceError | null => {
  if (error instanceof ServiceError) return error;
  const { type, name } = (error ?? {}) as { type?: string; name?: string };
  const known = readerCodes[type ?? ''];
  if (known) return new ServiceError(...known);
  // A percent sign that decodes to nothing.
  return name === 'URIError'
    ? new ServiceError('invalid-id', 'the address is not well formed')
    : null;
};

/** A sentence may quote what was sent, and a body may be wrong everywhere; nobody reads more. */
const maxDetail = 1000;
const maxErrors = 50;
const cut = (text: string): string =>
  text.length > maxDetail ? `${text.slice(0, maxDetail)}…` : text;

export const problemOf = (
  error: ServiceError,
  at: { instance: string; requestId: string },
): Problem => ({
  ...error.extra,
  type: `urn:stagewright:problem:${error.code}`,
  title: serviceErrors[error.code][1],
  status: error.status,
  detail: cut(error.message),
  instance: at.instance,
  code: error.code,
  request_id: at.requestId,
  ...(error.errors.length > 0 && {
    errors: error.errors.slice(0, maxErrors).map(({ pointer, detail }) => ({
      pointer: cut(pointer),
      detail: cut(detail),
    })),
  }),
});
