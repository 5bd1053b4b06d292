import type { PipelineDefinition } from '../definition.ts';
import { type Finding, found } from '../finding.ts';
import { unknownKey } from '../suggest.ts';
import type { LintContext } from './judge.ts';

/** Channels that the service does not have: nobody would be told. */
export const notifyFindings = (
  { notify = [] }: Pick<PipelineDefinition, 'notify'>,
  { channels }: Pick<LintContext, 'channels'>,
): Finding[] =>
  channels === null
    ? []
    : notify.flatMap(({ to }, index) =>
        to.flatMap((name, place) =>
          channels.includes(name)
            ? []
            : [
                found(
                  'unknown-channel',
                  `/notify/${index}/to/${place}`,
                  channels.length === 0
                    ? `nobody is told: the service has no channel \`${name}\`, nor any other`
                    : `nobody is told: ${unknownKey(name, channels, 'channel')}`,
                  'name a channel of the file of settings that serve was given with --config, or add it there',
                ),
              ],
        ),
      );
