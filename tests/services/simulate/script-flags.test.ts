import fc from 'fast-check';
import { randomScript } from '../../../services/simulate/random-script.ts';
import { replayOf } from '../../../services/simulate/script.ts';
import { checkScript, type ScriptFlag, scriptOf } from '../../../services/simulate/script-flags.ts';
import { variety } from '../../support/simulated.ts';

/** The options of a printed command, as the command line hands them over. */
const givenIn = (command: string) => {
  const words = command.split(' ').slice(3);
  const given: { [flag in ScriptFlag]?: string[] } = {};
  for (let i = 0; i < words.length; i += 2) {
    const flag = (words[i] as string).slice(2) as ScriptFlag;
    given[flag] = [...(given[flag] ?? []), words[i + 1] as string];
  }
  return given;
};

test('what is printed can be typed: every random script reads back as it was', () => {
  const definition = Object.values(variety)[3];
  if (!definition) throw new Error('there are fewer pipelines');
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const script = randomScript(definition, seed);
      const read = scriptOf(givenIn(replayOf('sample', script)));
      const sorted = (list: unknown[]) => list.map((one) => JSON.stringify(one)).toSorted();
      expect(sorted(read)).toEqual(sorted(script));
    }),
  );
});

test.each([
  [
    { fail: ['one:x'] },
    '--fail one:x: times is no whole number; write --fail stage[:times][:code]',
  ],
  [{ takes: ['one'] }, '--takes one: ms is missing; write --takes stage:ms'],
  [{ skip: ['one:2'] }, '--skip one:2: there is too much of it; write --skip stage'],
  [
    { hang: ['One'] },
    '--hang One: stage: expected the name of a stage; write --hang stage[:times]',
  ],
  [{ 'crash-after': ['0'] }, '--crash-after 0: write: '],
])('%j is refused with what to write instead', (given, message) => {
  expect(() => scriptOf(given)).toThrow(message);
});

test('a stage that is not there is named, with the nearest that is; durations may have units', () => {
  const definition = variety.two as NonNullable<typeof variety.two>;
  const script = scriptOf({ fail: ['tow:2'], takes: ['one:5m'], 'clock-step': ['3:-1h'] });
  expect(script.slice(1)).toEqual([
    { what: 'takes', stage: 'one', ms: 300_000 },
    { what: 'clock-step', write: 3, ms: -3_600_000 },
  ]);
  expect(() => checkScript(definition, script)).toThrow('has no stage tow; did you mean two?');
});
