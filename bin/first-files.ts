import { schemaLine } from './schema-line.ts';

/** What `init` writes: it works as it stands, and shows what people look for first. */
export const firstPipeline = (zone: string): string => `${schemaLine}
#
# A pipeline is a list of stages, run one after the other; each run is kept with its output and every step.
# Relative paths start at the folder that holds pipelines/. After a change: stagewright validate, then stagewright reload.
name: first
title: My first pipeline
timezone: ${zone} # of its schedules and dates

# What a run may be given: stagewright run first --param who=you
params:
  who: { type: string, default: world, title: Whom to greet }

stages:
  - name: gather
    # A program and its arguments. Every run has a folder of its own, for its stages to share.
    run: [sh, -c, 'date > "$STAGEWRIGHT_WORKSPACE/when"; echo gathered']
    timeout: 1m # of one attempt; then its processes are ended
    retry: { limit: 2, backoff: { initial: 5s } } # a failed attempt is tried again
    files: # must be there afterwards, or the attempt has failed
      - path: \${run.workspace}/when

  - name: report
    # Values come as variables: inside of the code they would become part of it.
    env: { WHO: "\${params.who}" }
    run: [sh, -c, 'echo "hello $WHO, gathered at $(cat "$STAGEWRIGHT_WORKSPACE/when")"']

# When it runs by itself; one decision is kept for every slot, also for those that were missed.
# schedules:
#   - id: nightly
#     cron: "30 2 * * *"
#     overlap: skip # when the last run still works
#     missed: last # after the service was down: the latest of the missed slots
`;

/** Settings of `serve` (docs/cli.md); each is the default, so that it can be changed here. */
export const firstConfig = `${JSON.stringify(
  {
    host: '127.0.0.1',
    port: 8000,
    data_dir: './data',
    pipelines: './pipelines',
    retention_age: '90d',
    retention_size: '10GB',
  },
  null,
  2,
)}
`;
