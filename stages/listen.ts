import type { Progress } from '../wire/status.ts';
import type { Mask } from './mask.ts';
import { joined, openHearing, type Said } from './protocol.ts';
import { maxLineBytes } from './protocol-lines.ts';
import { openTail } from './tail.ts';

/**
 * Follows what an attempt says on both streams. Each stream is folded by itself, so the result is
 * the same whether the files were followed while they grew or read once after a crash. The mask
 * comes before everything else: nothing behind it has seen a secret.
 */
export const listen = (
  paths: { stdout: string; stderr: string },
  mask: Mask,
  onProgress: (progress: Progress) => void = () => {},
) => {
  const open = (path: string) => {
    const hearing = openHearing(mask);
    const tail = openTail(path, {
      onLine: hearing.hear,
      onTooLong: () =>
        hearing.warn(
          `a ::stagewright line is longer than ${maxLineBytes / 1024} kB and was left out`,
        ),
      onTrouble: (message) => hearing.warn(`${message}: what was said there is not known`),
    });
    return { hearing, tail, told: null as Progress | null };
  };
  const [stdout, stderr] = [open(paths.stdout), open(paths.stderr)];
  return {
    /** Reads what is new. @returns whether there was anything: a sign of life */
    read: async (): Promise<boolean> => {
      let heard = false;
      for (const stream of [stdout, stderr]) {
        heard = (await stream.tail.read()) || heard;
        const progress = stream.hearing.progress();
        if (progress && progress !== stream.told) onProgress(progress);
        stream.told = progress;
      }
      return heard;
    },
    /** Reads both files to their final end. */
    finish: async (): Promise<Said> => {
      await Promise.all([stdout.tail.finish(), stderr.tail.finish()]);
      return joined(stdout.hearing.said(), stderr.hearing.said());
    },
  };
};
