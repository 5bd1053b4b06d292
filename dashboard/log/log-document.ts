import { Refused } from '../../client/api.ts';
import type { LogFrame } from '../../wire/frames.ts';
import { api } from '../service-api.ts';

export type LogPlace = {
  runId: string;
  stage: string;
  attempt: number;
  stream: 'stdout' | 'stderr';
};
/** `isCut`: there is more of it than is shown. */
type Line = { text: string; isCut: boolean };
export type LogFacts = {
  /** Lines so far; null until the first answer. */
  total: number | null;
  bytes: number;
  /** Nothing will be added any more. */
  isOver: boolean;
  /** The file is not there: nothing was written yet, or it was cleared away. */
  isMissing: boolean;
  error: unknown;
};
/**
 * A log as lines that are read when they are looked at. Holds a bounded number of them, whatever
 * the size of the file.
 */
export type LogDocument = {
  facts(): LogFacts;
  line(number: number): Line | null;
  /** Reads what is missing of these lines, from 1, both included. */
  want(from: number, to: number): void;
  subscribe(listener: () => void): () => void;
  close(): void;
};

const pageLines = 500;
const mostPages = 40;
/** As much of a line as anybody reads; a line of 5 MB must not stop the page. */
const mostChars = 8192;
const again = 1000;

/** What a terminal would leave of it: after a carriage return a line is written anew. */
const lineOf = (raw: string): Line => {
  const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  const shown = text.slice(text.lastIndexOf('\r') + 1);
  return { text: shown.slice(0, mostChars), isCut: shown.length > mostChars };
};

export const openLog = (place: LogPlace, { isLive }: { isLive: boolean }): LogDocument => {
  const { runId, stage, attempt, stream } = place;
  const other = stream === 'stdout' ? 'stderr' : 'stdout';
  const path = { id: runId, stage, attempt: String(attempt) };
  const pages = new Map<number, { lines: Line[]; isBusy: boolean }>();
  const listeners = new Set<() => void>();
  let facts: LogFacts = { total: null, bytes: 0, isOver: false, isMissing: false, error: null };
  /** The last line when its end is not written yet. */
  let partial: string | null = null;
  const position = { stdout: 0, stderr: 0 };
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let isAsked = false;

  const tell = (change: Partial<LogFacts> = {}): void => {
    facts = { ...facts, ...change };
    if (isAsked || isClosed) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      for (const listener of listeners) listener();
    });
  };
  const failed = (error: unknown): void => {
    if (error instanceof Refused && error.problem.status === 404)
      tell({ isMissing: true, total: 0, isOver: !isLive });
    else tell({ error });
  };
  const number = (response: Response, name: string): number =>
    Number(response.headers.get(name) ?? 0);

  /**
   * Only a page that is known from its beginning is written on; another one is read when it is
   * looked at.
   */
  const put = (line: number, text: string): void => {
    const [at, index] = [Math.floor((line - 1) / pageLines), (line - 1) % pageLines];
    const page = pages.get(at) ?? (index === 0 ? { lines: [], isBusy: false } : null);
    if (!page || index > page.lines.length) return;
    page.lines[index] = lineOf(text);
    pages.set(at, page);
    if (pages.size > mostPages) pages.delete(pages.keys().next().value as number);
  };
  const append = (text: string): void => {
    const lines = ((partial ?? '') + text).split('\n');
    const rest = lines.pop() ?? '';
    const first = (facts.total ?? 0) + (partial === null ? 1 : 0);
    lines.forEach((line, index) => {
      put(first + index, line);
    });
    let total = first + lines.length - 1;
    if (rest !== '') {
      total += 1;
      put(total, rest);
    }
    partial = rest === '' ? null : rest.slice(0, mostChars * 2);
    tell({ total });
  };

  const lines = (from: number, count: number): Promise<Response> =>
    api.raw('GET /api/runs/{id}/logs/{stage}/{attempt}', {
      path,
      query: { stream, from_line: from, lines: count },
    });

  const read = async (at: number): Promise<void> => {
    const page = pages.get(at) ?? { lines: [], isBusy: false };
    pages.delete(at);
    pages.set(at, page);
    if (page.isBusy) return;
    page.isBusy = true;
    try {
      const begin = page.lines.length;
      const response = await lines(at * pageLines + 1 + begin, pageLines - begin);
      const parts = (await response.text()).split('\n');
      const isEnded = parts.at(-1) === '';
      if (isEnded) parts.pop();
      // Of a line that did not fit, its beginning; unless it can be had whole with the next page.
      else if (response.headers.get('X-Cut') === 'true' && parts.length > 1) parts.pop();
      const isCut = response.headers.get('X-Cut') === 'true' && !isEnded && parts.length === 1;
      page.lines = [
        ...page.lines.slice(0, begin),
        ...parts.map((part) => (isCut ? { ...lineOf(part), isCut } : lineOf(part))),
      ];
      if (pages.size > mostPages) pages.delete(pages.keys().next().value as number);
      tell({
        total: Math.max(facts.total ?? 0, number(response, 'X-Total-Lines')),
        bytes: Math.max(facts.bytes, number(response, 'X-Total-Bytes')),
      });
    } catch (error) {
      failed(error);
    } finally {
      page.isBusy = false;
    }
  };

  const follow = (): void => {
    if (isClosed || facts.isOver) return;
    const since = `${stage}.${attempt}.${position.stdout}.${position.stderr}`;
    const mine = new WebSocket(
      `${location.origin.replace(/^http/, 'ws')}/ws/logs/${runId}/${stage}?since=${encodeURIComponent(since)}`,
    );
    socket = mine;
    mine.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as LogFrame;
      if (frame.type === 'log' && frame.attempt === attempt) {
        position[frame.stream] = frame.next_offset;
        if (frame.stream !== stream) return;
        append(frame.text);
        tell({ bytes: frame.next_offset, isMissing: false });
      }
      // Another attempt has begun: nothing of this one is left.
      if (frame.type === 'end' || (frame.type === 'log' && frame.attempt !== attempt)) {
        tell({ isOver: true });
        mine.close();
      }
    });
    mine.addEventListener('close', () => {
      if (!isClosed && !facts.isOver) timer = setTimeout(follow, again);
    });
  };

  /**
   * Where the file ends now, in lines and bytes, with the last line as it is so far: from there on
   * the socket tells.
   */
  const begin = async (): Promise<void> => {
    try {
      const first = await lines(1, 1);
      let total = number(first, 'X-Total-Lines');
      if (!isLive) return tell({ total, bytes: number(first, 'X-Total-Bytes'), isOver: true });
      const end = await lines(Math.max(1, total), pageLines * 4);
      const text = await end.text();
      const parts = text.split('\n');
      const rest = parts.pop() ?? '';
      total = Math.max(1, total) + parts.length - (rest === '' ? 1 : 0);
      if (text === '') total = 0;
      partial = rest === '' ? null : rest.slice(0, mostChars * 2);
      position[stream] = number(end, 'X-Next-Offset');
      tell({ total, bytes: position[stream] });
      const beside = await api
        .raw('GET /api/runs/{id}/logs/{stage}/{attempt}', {
          path,
          query: { stream: other, tail: 1 },
        })
        .catch(() => null);
      position[other] = beside ? number(beside, 'X-Total-Bytes') : 0;
    } catch (error) {
      failed(error);
      if (!(error instanceof Refused)) return;
    }
    if (isLive) follow();
  };
  void begin();

  return {
    facts: () => facts,
    line: (line) =>
      pages.get(Math.floor((line - 1) / pageLines))?.lines[(line - 1) % pageLines] ?? null,
    want: (from, to) => {
      const last = Math.min(to, facts.total ?? 0);
      if (last < from) return;
      for (
        let at = Math.floor((from - 1) / pageLines);
        at <= Math.floor((last - 1) / pageLines);
        at += 1
      ) {
        const page = pages.get(at);
        const known = at * pageLines + (page?.lines.length ?? 0);
        if (known < Math.min(last, (at + 1) * pageLines) && !page?.isBusy) void read(at);
      }
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      // One that is still being opened is closed when it is: before that the browser calls it an
      // error.
      const mine = socket;
      if (mine?.readyState === WebSocket.CONNECTING)
        mine.addEventListener('open', () => mine.close());
      else mine?.close();
    },
  };
};
