/**
 * `npm run sample-bars -- --out DIR`: made-up bars without the service. A process of its own, so it
 * may read its arguments.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { sampleSpecs } from './bars.ts';
import { sampleFiles } from './files.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    instruments: { type: 'string', default: Object.keys(sampleSpecs).join(',') },
    from: { type: 'string', default: '2025-02-24' },
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    clean: { type: 'boolean', default: false },
  },
});
if (!values.out) {
  process.stderr.write(
    'usage: npm run sample-bars -- --out DIR [--instruments ES,NQ] [--from 2025-02-24] [--days 730] [--seed 1] [--clean]\n',
  );
  process.exit(2);
}
let rows = 0;
let files = 0;
const order = {
  instruments: values.instruments.split(','),
  from: values.from,
  days: Number(values.days),
  seed: Number(values.seed),
};
for (const { path, text, bars } of sampleFiles({ ...order, awkward: !values.clean })) {
  const target = join(values.out, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  rows += bars.length;
  files += 1;
}
process.stdout.write(`${rows} bars in ${files} files below ${values.out}\n`);
