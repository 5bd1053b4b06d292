import { readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { createSecrets } from '../../../services/secrets/secrets.ts';
import { encodings } from '../../support/encodings.ts';
import { ended, projectWith, runService, startRequest } from '../../support/service.ts';

const secret = 'swordfish-42';
/** A run of a pipeline with this one secret. */
const named = (name: string) => ({
  definition: { secrets: [name], stages: [] },
  projectDir: '/',
});
const tells = [
  'echo "::stagewright {\\"output\\":{\\"got\\":\\"$DB_PASSWORD\\"},\\"progress\\":{\\"done\\":1,\\"note\\":\\"$DB_PASSWORD\\"}}"',
  'echo "plain $DB_PASSWORD"',
  'echo "err $DB_PASSWORD" >&2',
  'echo "::stagewright {\\"fail\\":{\\"code\\":\\"oops\\",\\"message\\":\\"with $DB_PASSWORD\\",\\"retryable\\":false}}"',
  'exit 1',
].join('; ');
const pipeline = (more = '') =>
  `name: leaky\nsecrets: [DB_PASSWORD]\nstages:\n  - name: tells\n    run: ["sh", "-c", ${JSON.stringify(tells)}]\n${more}`;

const filesBelow = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) =>
    statSync(join(dir, name)).isDirectory() ? filesBelow(join(dir, name)) : [join(dir, name)],
  );

test('a secret that a stage tells in every way it can is nowhere, and at its end its own output is masked too', async () => {
  const on = await runService({
    pipelines: { 'leaky.yaml': pipeline() },
    env: { DB_PASSWORD: secret },
  });
  const { status } = await on.orchestrator.start(startRequest('leaky'));
  const run = await ended(on.orchestrator, status.run_id as string);
  expect(run).toMatchObject({
    state: 'FAILED',
    error: { code: 'oops', message: 'with ***', stderr_tail: 'err ***' },
  });
  const place = { stage: 'tells', attempt: 1 };
  const log = (
    await on.orchestrator.logPart(run.run_id as string, place, 'stdout', {
      offset: 0,
      limit: 10_000,
    })
  )?.bytes.toString();
  expect(log).toContain(`plain ${'*'.repeat(secret.length)}`);
  const told = await Promise.all([
    on.orchestrator.run(run.run_id as string),
    on.orchestrator.events({ after: 0, limit: 1000 }),
    on.orchestrator.transitions(run.run_id as string, 0, 1000),
    on.orchestrator.snapshotAt(run.run_id as string, run.version),
    log,
  ]);
  expect(JSON.stringify(told)).not.toContain(secret);
  await on.service.close();
  const leaking = filesBelow(on.dataDir).filter((path) => readFileSync(path).includes(secret));
  expect(leaking).toEqual([]);
});

test('a secret may come from a file; one that is missing fails the run before its first attempt, by name', async () => {
  const dir = await projectWith({ 'leaky.yaml': pipeline() });
  await writeFile(join(dir, 'password'), `${secret}\n`);
  const withFile = await runService({ dir, env: { DB_PASSWORD_FILE: join(dir, 'password') } });
  const first = await withFile.orchestrator.start(startRequest('leaky'));
  expect((await ended(withFile.orchestrator, first.status.run_id as string)).error).toMatchObject({
    message: 'with ***',
  });
  await withFile.close();
  const without = await runService({ dir });
  const second = await without.orchestrator.start(startRequest('leaky'));
  const run = await ended(without.orchestrator, second.status.run_id as string);
  expect(run.error).toMatchObject({
    code: 'missing-secret',
    message: expect.stringContaining('DB_PASSWORD'),
    retryable: false,
  });
  expect(run.stages[0]?.attempt).toBe(0);
  await without.close();
});

test('a secret in the words of a command is refused when the file is read', async () => {
  const on = await runService({
    pipelines: {
      'x.yaml':
        'name: x\nsecrets: [TOKEN]\nstages:\n  - { name: a, run: ["curl", "${env.TOKEN}"] }\n',
    },
  });
  const { problems } = await on.orchestrator.pipelines();
  expect(problems).toMatchObject([
    { pointer: '/stages/0/run', detail: expect.stringContaining('${env.TOKEN}: a secret') },
  ]);
  await on.close();
});

test('no form of a secret survives a mask, and the length in bytes stays', () => {
  const secrets = fc
    .string({ minLength: 4, maxLength: 40 })
    .filter((value) => !/[\n\r*]/.test(value));
  fc.assert(
    fc.property(
      secrets,
      fc.array(fc.oneof(fc.string(), fc.constantFrom(...Object.keys(encodings)))),
      (value, parts) => {
        const mask = createSecrets({ env: { S: value }, readFile: () => '' }).maskOf(named('S'));
        const given = Buffer.from(
          parts
            .map((part) =>
              Object.hasOwn(encodings, part) ? (encodings[part]?.(value) ?? part) : part,
            )
            .join('|'),
        );
        const seen = mask.bytes(given);
        expect(seen.length).toBe(given.length);
        // What is shorter is hidden as it is only.
        const hidden = Buffer.byteLength(value) < 8 ? ['raw'] : Object.keys(encodings);
        for (const name of hidden) {
          const form = encodings[name]?.(value) ?? '';
          expect(mask.bytes(Buffer.from(form)).includes(form)).toBe(false);
          expect(seen.includes(form)).toBe(false);
        }
        expect(mask.text(value)).toBe('***');
      },
    ),
    { numRuns: 500 },
  );
});

test('wherever it stands in what is encoded, at most an edge of four bits is left of a secret', () => {
  const value = 'Zq7/kP+x-2026-canary';
  const mask = createSecrets({ env: { S: value }, readFile: () => '' }).maskOf(named('S'));
  for (const before of ['', 'a', 'ab', 'abc'])
    for (const after of ['', 'x', 'xy', 'xyz']) {
      const encoded = Buffer.from(before + value + after).toString('base64');
      const left = mask.bytes(Buffer.from(encoded)).toString();
      const hidden = left.match(/\*+/g)?.join('') ?? '';
      expect(hidden.length).toBeGreaterThanOrEqual(Math.floor((value.length * 8) / 6) - 2);
    }
});

test('a number is hidden only when its whole text is the secret', () => {
  const maskOf = (value: string) =>
    createSecrets({ env: { S: value }, readFile: () => '' }).maskOf(named('S'));
  expect(maskOf('8675309001').json({ a: 8675309001, b: [86753090011, 18675309001, 4] })).toEqual({
    a: '***',
    b: [86753090011, 18675309001, 4],
  });
  const long = '4111111111111111222222222222222233333333';
  expect(maskOf(long).json({ n: Number(long) })).toEqual({ n: '***' });
  expect(maskOf('0004').json({ n: 4 })).toEqual({ n: 4 });
  expect(maskOf('swordfish').json({ a: 1, b: true, c: null })).toEqual({ a: 1, b: true, c: null });
});

test('the mask of a rotated secret hides the earlier values too, and text that only looks alike stays', () => {
  const env = { S: 'first-value-1' };
  const secrets = createSecrets({ env, readFile: () => '' });
  const before = secrets.maskOf(named('S'));
  env.S = 'second-value-2';
  const after = secrets.maskOf(named('S'));
  expect(before.text('first-value-1 second-value-2')).toBe('*** second-value-2');
  expect(after.text('first-value-1 second-value-2 first-value')).toBe('*** *** first-value');
  // Of a short one only itself: its other forms are met by chance.
  const short = createSecrets({ env: { S: 'abcd' }, readFile: () => '' }).maskOf(named('S'));
  expect(short.text('abcd dcba 61626364 YWJjZA')).toBe('*** dcba 61626364 YWJjZA');
});
