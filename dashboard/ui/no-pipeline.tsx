/** Where there is nothing to choose from, and what to do about it. */
export const NoPipeline = () => (
  <p>
    There is no pipeline yet. Put a file into <code>pipelines/</code> and run{' '}
    <code>stagewright reload</code>.
  </p>
);
