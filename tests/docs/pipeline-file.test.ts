import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kindKeys } from '../../definition/kinds/stage-kinds.ts';
import { stageFields } from '../../definition/stage-fields.ts';

const text = readFileSync(
  fileURLToPath(new URL('../../docs/pipeline-file.md', import.meta.url)),
  'utf8',
);

test.each([...kindKeys, ...Object.values(stageFields).map(({ key }) => key)])(
  'docs/pipeline-file.md shows `%s` of a stage',
  (key) => expect(text).toMatch(new RegExp(`(^ {4}|- |[{,] )${key}:`, 'm')),
);
