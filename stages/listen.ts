import type { Progress } from '../machines/status.ts';
import { hear, joined, nothingSaid, type Said, warned } from './protocol.ts';
import { maxLineBytes } from './protocol-lines.ts';
import { openTail } from './tail.ts';

/**
 * Follows what an attempt says on both streams. Each stream is folded by itself, so the result is
 * the same whether the files were followed while they grew or read once after a crash.
 */
export const listen = (
  paths: { stdout: string; stderr: string },
  onProgress: (progress: Progress) => void = () => {},
) => {
  const streams = [paths.stdout, paths.stderr].map((path) => {
    const stream: { said: Said; told: Progress | null } = { said: nothingSaid, told: null };
    const tail = openTail(
      path,
      (line) => {
        stream.said = hear(stream.said, line);
      },
      () => {
        stream.said = warned(
          stream.said,
          `a ::stagewright line is longer than ${maxLineBytes / 1024} kB and was left out`,
        );
      },
    );
    return { stream, tail };
  });
  return {
    /** Reads what is new. @returns whether there was anything: a sign of life */
    read: async (): Promise<boolean> => {
      let heard = false;
      for (const { stream, tail } of streams) {
        heard = (await tail.read()) || heard;
        if (stream.said.progress && stream.said.progress !== stream.told)
          onProgress(stream.said.progress);
        stream.told = stream.said.progress;
      }
      return heard;
    },
    /** Reads both files to their final end. */
    finish: async (): Promise<Said> => {
      await Promise.all(streams.map(({ tail }) => tail.finish()));
      const [stdout, stderr] = streams.map(({ stream }) => stream.said);
      return joined(stdout ?? nothingSaid, stderr ?? nothingSaid);
    },
  };
};
