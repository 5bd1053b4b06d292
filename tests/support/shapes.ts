import type { PipelineDefinition } from '../../definition/definition.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';

const work = (name: string, more: object = {}) => ({ name, run: ['true'], ...more });
const files = { files: [{ path: 'x', min: 1 }] };
const both = (more: object = {}, ofGroup: object = {}) => ({
  name: 'both',
  parallel: [work('left', more), work('right', more)],
  ...ofGroup,
});

const definitionOf = (stages: object[], more: object = {}): PipelineDefinition => {
  const parsed = parseDefinition({ name: 'drawn', stages, ...more });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.definition;
};

/** Pipelines with stages beside each other, as they are drawn. */
export const shapes: Record<string, PipelineDefinition> = {
  'a group alone': definitionOf([both()]),
  'a group that fails fast, with files': definitionOf([both(files, { fail_fast: true })]),
  'a group between stages': definitionOf([work('first'), both(), work('last')]),
  'a group between stages, with every limit': definitionOf(
    [work('first', files), both({ ...files, total_timeout: '3h' }), work('last', files)],
    { timeout: '9h' },
  ),
  'two groups, one after the other': definitionOf([
    both(),
    { parallel: [work('x'), work('y'), work('z')] },
  ]),
  'twelve stages with two groups': definitionOf([
    work('translator'),
    work('analyzer'),
    {
      name: 'checks',
      parallel: [work('schema'), work('volume'), work('a-rather-long-stage-name')],
    },
    work('merger'),
    work('v'),
    {
      name: 'out',
      fail_fast: true,
      parallel: [work('publish-to-warehouse'), work('notifier'), work('archiver')],
    },
    work('i'),
    work('j'),
  ]),
};
