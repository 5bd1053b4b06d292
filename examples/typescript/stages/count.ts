/** What of the stage's context this one uses; docs/pipeline-file.md has all of it. */
type Context = {
  with: { words: string[] };
  signal: AbortSignal;
  progress(progress: { done: number; total: number; unit?: string }): void;
  log(line: string): void;
};

export const run = async ({ with: { words }, signal, progress, log }: Context) => {
  let letters = 0;
  for (const [index, word] of words.entries()) {
    // Stop is asked for here, long before the process is ended.
    signal.throwIfAborted();
    letters += word.length;
    log(`${word}: ${word.length}`);
    progress({ done: index + 1, total: words.length, unit: 'words' });
  }
  return words.length === 0 ? { skip: 'no words' } : { outputs: { letters } };
};
