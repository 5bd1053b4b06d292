// A stage that tells its secrets in every way there is; run as a program.
import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { encodings } from './encodings.ts';

const names = ['LONG', 'DIGITS', 'LINES', 'ROTATED'];
const values = names.map((name) => process.env[name] as string);
const [long = '', digits = ''] = values;
const forms = values.flatMap((value) => Object.values(encodings).map((encode) => encode(value)));
let written = 0;
const print = (text: string): void => {
  written += writeSync(1, text);
};
const say = (message: string): void => print(`::stagewright ${message}\n`);

for (const form of forms) {
  // In two writes, and on both streams.
  print(`x=${form.slice(0, 5)}`);
  print(`${form.slice(5)}\n`);
  writeSync(2, `err ${form}\n`);
}
// Across the edges of what readers take at once.
for (const edge of [64 * 1024, 128 * 1024, 256 * 1024]) {
  print('y'.repeat(Math.max(1, edge - written - 7)));
  print(`${long}\n`);
}
for (const [index, form] of forms.entries()) {
  say(JSON.stringify({ output: { [`o${index}`]: form } }));
  say(JSON.stringify({ output: { [form]: [{ deep: form }] } }));
  say(JSON.stringify({ progress: { done: index, unit: form, note: `at ${form}` } }));
}
say(`{"output":{"n":${digits},"list":[${digits}]}}`);
say(`{"metric":{"pin":${digits},"kept":1},"progress":{"done":${digits}}}`);
say(JSON.stringify({ metric: { [long]: 1 } }));
// What is cut: warnings, reasons, messages, the end of stderr.
for (const before of [150, 180, 185]) print(`::stagewright ${'m'.repeat(before)}${long}\n`);
say(JSON.stringify({ [`key ${long}`]: 1 }));
say(JSON.stringify({ partial: `${'p'.repeat(490)}${long}` }));
writeFileSync(
  process.env.STAGEWRIGHT_OUTPUTS as string,
  `{"file":${JSON.stringify(long)},"number":${digits}}`,
);
say(JSON.stringify({ progress: { done: 1, note: `last ${long}` } }));
while (process.argv[2] === 'waits' && !existsSync('go'))
  await new Promise((resolve) => setTimeout(resolve, 20));
if (process.argv[2] === 'fails') {
  say(
    JSON.stringify({
      fail: { code: 'oops', message: `${'f'.repeat(1990)}${long}`, retryable: false },
    }),
  );
  writeSync(2, `${long}${'e'.repeat(2048 - 9)}\n`);
  process.exit(1);
}
