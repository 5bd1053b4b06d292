import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type PipelineText, readPipeline } from './read-pipeline.ts';

/** The YAML reader is quadratic in hostile files; below this it costs less than a thread does. */
const largeLength = 8 * 1024;
/** An honest file of 512 kB takes a tenth of it. */
const deadlineMs = 10_000;

/**
 * Reads pipeline files without holding up the service: a large one is read in a thread, and given
 * up after ten seconds. One file at a time.
 */
export const createReader = (): {
  read(text: string): Promise<PipelineText>;
  close(): Promise<void>;
} => {
  let thread: Worker | null = null;
  const close = async (): Promise<void> => {
    const ending = thread;
    thread = null;
    await ending?.terminate();
  };
  return {
    read: async (text) => {
      if (text.length <= largeLength) return readPipeline(text);
      thread ??= new Worker(new URL(`./reader-thread${extname(import.meta.url)}`, import.meta.url));
      thread.postMessage(text);
      try {
        const signal = AbortSignal.timeout(deadlineMs);
        return ((await once(thread, 'message', { signal })) as [PipelineText])[0];
      } catch (error) {
        await close();
        const detail =
          (error as Error).name === 'AbortError'
            ? `could not be read within ${deadlineMs / 1000} s: it is nested or repeated beyond measure`
            : `could not be read: ${(error as Error).message}`;
        return { ok: false, problems: [{ line: null, pointer: '', code: 'unreadable', detail }] };
      }
    },
    close,
  };
};
