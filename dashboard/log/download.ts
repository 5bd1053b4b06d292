import { api } from '../service-api.ts';
import type { LogPlace } from './log-document.ts';

const partBytes = 4 * 1024 * 1024;

/** The whole file, byte for byte, part by part: the service never sends more than 4 MB at once. */
export const download = async ({ runId, stage, attempt, stream }: LogPlace): Promise<void> => {
  const parts: Blob[] = [];
  let offset = 0;
  for (;;) {
    const response = await api.raw('GET /api/runs/{id}/logs/{stage}/{attempt}', {
      path: { id: runId, stage, attempt: String(attempt) },
      query: { stream, offset, limit: partBytes },
    });
    parts.push(await response.blob());
    const next = Number(response.headers.get('X-Next-Offset'));
    if (next <= offset || next >= Number(response.headers.get('X-Total-Bytes'))) break;
    offset = next;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
  link.download = `${runId}-${stage}-${attempt}-${stream}.log`;
  link.click();
  URL.revokeObjectURL(link.href);
};
