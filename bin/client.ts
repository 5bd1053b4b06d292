import type { JournalEvent } from '../machines/events.ts';
import type { Status } from '../machines/status.ts';

/** A refusal of the service, as it was answered. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}
export class NotReachable extends Error {}

export type Client = {
  start(pipeline: string | null, body: { params: Record<string, unknown>; reason?: string }): Promise<Status>;
  status(pipeline: string | null): Promise<Status>;
  run(runId: string): Promise<Status>;
  stop(pipeline: string | null, body: { reason?: string }): Promise<Status>;
  events(runId: string | null): Promise<JournalEvent[]>;
  /** Calls `onEvent` for each event until the stream ends or the signal aborts. @returns the close code */
  follow(runId: string | null, onEvent: (event: JournalEvent) => void, signal?: AbortSignal): Promise<number>;
};

/** The REST API as the commands use it. */
export const createClient = (base: string): Client => {
  const ask = async <T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> => {
    let response: Response;
    try {
      response = await fetch(new URL(path, base), {
        method,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
    } catch {
      throw new NotReachable(`no service answers at ${base}; start it with: stagewright serve`);
    }
    type Problem = { code?: string; detail?: string; errors?: { pointer: string; detail: string }[] };
    const answer = (await response.json().catch(() => {
      throw new NotReachable(`what answers at ${base} is not Stagewright (${response.status})`);
    })) as T & Problem;
    if (response.ok) return answer;
    const fields = (answer.errors ?? []).map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`).join('');
    throw new Refused(response.status, answer.code ?? 'unknown', `${answer.detail ?? response.statusText}${fields}`);
  };
  const at = (pipeline: string | null): string => (pipeline ? `?pipeline=${encodeURIComponent(pipeline)}` : '');
  const inPath = (runId: string | null): string => (runId ? `/${encodeURIComponent(runId)}` : '');
  return {
    start: (pipeline, body) => ask('POST', `/api/pipeline/start${at(pipeline)}`, body),
    status: (pipeline) => ask('GET', `/api/pipeline/status${at(pipeline)}`),
    run: (runId) => ask('GET', `/api/runs${inPath(runId)}`),
    stop: (pipeline, body) => ask('POST', `/api/pipeline/stop${at(pipeline)}`, body),
    events: async (runId) =>
      (await ask<{ items: JournalEvent[] }>('GET', `/api/events${runId ? `?run_id=${encodeURIComponent(runId)}` : ''}`)).items,
    follow: async (runId, onEvent, signal) => {
      const socket = new WebSocket(new URL(`/ws/events${inPath(runId)}`, base.replace(/^http/, 'ws')));
      const over = Promise.withResolvers<number>();
      // An open socket keeps the process alive: whoever stops listening must close it.
      signal?.addEventListener('abort', () => socket.close());
      socket.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(String(data)) as { type: string; data: { recent_events?: JournalEvent[] } } & JournalEvent;
        if (frame.type === 'snapshot') for (const event of frame.data.recent_events ?? []) onEvent(event);
        if (frame.type === 'event') onEvent(frame);
      });
      socket.addEventListener('error', () => over.reject(new NotReachable(`no service answers at ${base}`)));
      socket.addEventListener('close', ({ code }) => over.resolve(code));
      return over.promise;
    },
  };
};
