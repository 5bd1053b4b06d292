import { z } from 'zod';
import { sizeText } from '../byte-size.ts';
import { found } from '../finding.ts';
import { stageKind } from './kind-rules.ts';

/** A module runs in Node, which needs more than this before the first line of the module. */
const nodeBytes = 32 * 1024 ** 2;

type Module = { kind: 'module'; module: string };

/** A module of the project or of ours that exports `run`, in a process of its own. */
export const moduleKind = stageKind({
  key: 'uses',
  // Which built-in stages there are, and which files, is looked up where modules are found.
  written: z.string().regex(/^builtin:[a-z-]+$|^(?!builtin:).*\.(ts|js|mjs)$/, {
    error: 'expected a built-in stage such as builtin:merger, or a path to a .ts, .js or .mjs file',
  }),
  fromFile: (module): Module => ({ kind: 'module', module }),
  answer: z.string(),
  view: ({ module }) => module,
  describe: ({ module }) => module,
  parts: () => [],
  problems: () => [],
  lint: ({ name, limits: { memoryBytes } }, at) => {
    if (memoryBytes === null || memoryBytes >= nodeBytes) return [];
    const detail = `${name} is a module, and Node alone needs more than the ${sizeText(memoryBytes)} it may use`;
    return [found('memory-below-node', `${at}/limits/memory`, detail, 'allow at least 64MB')];
  },
  refuses: [],
});
