import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeText } from '../../definition/byte-size.ts';
import type { ProgramOf } from '../../definition/kinds/stage-kinds.ts';
import type { Failure } from '../../wire/failure.ts';
import type { AttemptAnswer, AttemptRequest } from '../contract.ts';
import { filesOf } from '../evidence.ts';
import { mostRedirects, redirectOf } from '../http-redirect.ts';
import { sendRequest } from '../http-request.ts';
import { idempotencyKeyOf } from '../idempotency-key.ts';
import { withLocalMessage } from '../local-paths.ts';
import type { Mask } from '../mask.ts';
import type { RunnerDeps } from '../process-runner.ts';
import { maxOutputBytes } from '../protocol.ts';
import type { KindRunner } from './kind-runner.ts';

type Http = ProgramOf<'http'>;
type Request = AttemptRequest & { program: Http };
type Answer = Awaited<ReturnType<typeof sendRequest>>;
type Outcome = { outputs: Record<string, unknown> } | { failure: Failure };

/**
 * A request of the service itself. It leaves no evidence: an attempt that was cut off by the end of
 * the service is interrupted, and the next one sends the same Idempotency-Key.
 */
export const httpRunner: KindRunner<Http> = {
  missing: async () => null,
  preflight: async () => null,
  run: async ({ clock, mask }, request, observer, signal) => {
    const files = filesOf(request.attemptDir);
    for (const dir of [request.attemptDir, request.workspace])
      await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const path of Object.values(files)) await rm(path, { force: true, recursive: true });
    // Durable before the first byte is sent: from here on a crash is an interruption.
    if (!(await observer.recordProcess(null)))
      return answerOf(failed('interrupted', 'the attempt was dropped before it began'));
    const { outcome, said } = await work(request, { clock, mask }, observer.alive, signal);
    const lines = mask.text(said.map((one) => `${one}\n`).join(''));
    const unlogged = await writeFile(files.stdout, lines, newFile).then(
      () => [],
      ({ code }: { code?: string }) => [`the log of the request could not be written (${code})`],
    );
    return answerOf(localOutcome(outcome, request), unlogged);
  },
};

/** A link that another stage has left in its place is not followed. */
const newFile = { mode: 0o600, flag: 'wx' };

const failed = (code: string, message: string, retryable = true): { failure: Failure } => ({
  failure: { code, message, retryable },
});
const localOutcome = (outcome: Outcome, request: Request): Outcome =>
  'failure' in outcome ? { failure: withLocalMessage(outcome.failure, request) } : outcome;
const answerOf = (outcome: Outcome, warnings: string[] = []): AttemptAnswer => {
  const rest = { metrics: {}, progress: null, warnings };
  return 'failure' in outcome
    ? { ok: false, ...outcome, ...rest }
    : { ok: true, ...outcome, skipped: null, partial: null, ...rest };
};

type Sent = { method: string; url: URL; headers: Record<string, string>; body: string | null };

/** Without a user and a password: it stands in logs and messages. */
const shownOf = ({ method, url }: Pick<Sent, 'method' | 'url'>): string =>
  `${method} ${url.origin}${url.pathname}${url.search}`;

/** @returns what came of it, and a line of the log for each request */
const work = async (
  request: Request,
  { clock, mask }: Pick<RunnerDeps, 'clock' | 'mask'>,
  alive: () => void,
  signal: AbortSignal,
): Promise<{ outcome: Outcome; said: string[] }> => {
  const { url: address, method, maxBytes } = request.program;
  const said: string[] = [];
  const url = URL.parse(String(address));
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    const outcome = failed('http-failed', 'the address is none of http or https', false);
    return { outcome, said: [`${method} → no address`] };
  }
  let sent: Sent = { method, url, headers: {}, body: null };
  let startedMs = clock.monotonicMs();
  const say = (what: string): void =>
    void said.push(`${shownOf(sent)} → ${what} (${clock.monotonicMs() - startedMs} ms)`);
  try {
    sent = { ...sent, ...contentOf(request) };
    for (let followed = 0; ; followed += 1) {
      startedMs = clock.monotonicMs();
      const answer = await sendRequest({ ...sent, maxBytes, signal, alive });
      say(`${answer.status}, ${answer.isCut ? 'more than ' : ''}${sizeText(answer.body.length)}`);
      const next = nextOf(request, sent, answer, mask);
      if (next === null)
        return { outcome: await judge(request, answer, mask, shownOf(sent)), said };
      if ('failure' in next) return { outcome: next, said };
      if (followed === mostRedirects) {
        const text = `${shownOf(sent)} was redirected more than ${mostRedirects} times`;
        return { outcome: failed('http-failed', mask.text(text), false), said };
      }
      sent = next;
    }
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    // What Node refuses to send is refused again: a header with a line break in it.
    const isOurs = /^ERR_(HTTP_INVALID|INVALID|UNESCAPED)/.test(code);
    const why = message || code || 'the connection failed';
    const text = mask.text(`${shownOf(sent)} failed: ${why}`);
    say(signal.aborted ? 'ended' : why);
    return { outcome: failed('http-failed', text, !isOurs), said };
  }
};

/** They say nothing that the stage has written itself. */
const ofEverybody = ['accept', 'user-agent', 'idempotency-key', 'content-type', 'content-length'];
/** What a redirect asks for; null = the answer counts as it is. */
const nextOf = (
  { program }: Request,
  sent: Sent,
  answer: Answer,
  mask: Mask,
): Sent | { failure: Failure } | null => {
  // Who expects a 302 wants the 302.
  if (program.statuses?.includes(answer.status)) return null;
  const next = redirectOf(program.redirect ?? 'none', sent, answer);
  if (!next) return null;
  const body = next.keepsBody ? sent.body : null;
  if (next.isForeign && body !== null && mask.text(body) !== body) {
    const text = `${shownOf(sent)} was redirected to ${next.url.host}, which would be sent a secret in the body`;
    return failed('http-failed', mask.text(text), false);
  }
  const headers = Object.entries(sent.headers).filter(
    ([name]) =>
      (!next.isForeign || ofEverybody.includes(name)) &&
      (body !== null || !name.startsWith('content-')),
  );
  return { method: next.method, url: next.url, headers: Object.fromEntries(headers), body };
};

const contentOf = (request: Request): { headers: Record<string, string>; body: string | null } => {
  const { body } = request.program;
  const isText = typeof body === 'string';
  const text = isText ? body : JSON.stringify(body);
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  const own = Object.entries(request.program.headers).map(([name, value]) => [
    name.toLowerCase(),
    // A value inserted with its type: a number, say.
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  const headers: Record<string, string> = {
    accept: '*/*',
    'user-agent': 'stagewright',
    'idempotency-key': idempotencyKeyOf(request),
    ...(text !== undefined && {
      'content-type': type,
      'content-length': String(Buffer.byteLength(text)),
    }),
    ...Object.fromEntries(own),
  };
  return { headers, body: text ?? null };
};

const excerptChars = 200;
/** What the other side says is masked before anything is cut or kept, like a program's words. */
const judge = async (
  request: Request,
  answer: Answer,
  mask: Mask,
  asked: string,
): Promise<Outcome> => {
  const what = mask.text(asked);
  const { status, headers, isCut } = answer;
  const { statuses, maxBytes } = request.program;
  const isExpected = statuses ? statuses.includes(status) : status >= 200 && status <= 299;
  if (!isExpected) {
    const excerpt = mask
      .text(textOf(answer) ?? '')
      .trim()
      .slice(0, excerptChars);
    const message = `${what} was answered with ${status}${excerpt && `: ${excerpt}`}`;
    const isRetryable = [408, 429].includes(status) || status >= 500;
    const { failure } = failed('http-status', message, isRetryable);
    return { failure: { ...failure, ...retryAfter(headers) } };
  }
  if (isCut) {
    const message = `the answer to ${what} is larger than ${sizeText(maxBytes)}`;
    return failed('http-too-large', message, false);
  }
  const outputs = mask.json({ status, headers, body: bodyOf(answer) });
  if (isSmall(outputs)) return { outputs };
  // By reference: what neither is a text nor fits into outputs.
  const file = join(request.workspace, `${request.stage}.response`);
  await rm(file, { force: true, recursive: true });
  await writeFile(file, answer.body, newFile);
  return { outputs: { ...outputs, body: null, file } };
};

const mostWaitMs = 86_400_000;
/** Seconds, or a date, which is compared with the clock of whom it came from. */
const retryAfter = (headers: Record<string, string>): Pick<Failure, 'retry_after_ms'> => {
  const asked = headers['retry-after'];
  if (asked === undefined) return {};
  const isSeconds = /^\d+$/.test(asked);
  const ms = isSeconds
    ? Number(asked) * 1000
    : Date.parse(asked) - Date.parse(headers['date'] ?? '');
  return Number.isNaN(ms) ? {} : { retry_after_ms: Math.min(mostWaitMs, Math.max(0, ms)) };
};

/** @returns null when the bytes are no text of the kind they say they are */
const textOf = ({ headers, body }: Answer): string | null => {
  const [, charset = 'utf-8'] = /charset="?([\w-]+)/i.exec(headers['content-type'] ?? '') ?? [];
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    return null;
  }
};
/** JSON or text; null = nothing came; undefined = something else came. */
const bodyOf = (answer: Answer): unknown => {
  if (answer.body.length === 0) return null;
  const text = textOf(answer) ?? undefined;
  if (text === undefined || !/[/+]json\b/i.test(answer.headers['content-type'] ?? '')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return isDeeperThan(maxDepth, value) ? text : value;
  } catch {
    return text;
  }
};

/** Outputs are walked recursively; what nobody nests by hand must not end in a stack overflow. */
const maxDepth = 100;
const isDeeperThan = (levels: number, value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));

const isSmall = (outputs: { body: unknown }): boolean =>
  outputs.body !== undefined && Buffer.byteLength(JSON.stringify(outputs)) <= maxOutputBytes;
