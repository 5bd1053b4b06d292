import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { createOutput, showRunLine, showStatus } from '../../bin/print.ts';
import { pipelineSchemaText } from '../../definition/pipeline-json-schema.ts';
import { scheduleFields, scheduleSchema } from '../../definition/schedule.ts';
import { clientTypes } from '../../server/client-types.ts';
import { statusSchema } from '../../wire/status.ts';
import { withDstTable } from '../support/dst-table.ts';
import { everyExample } from '../support/examples.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = `${root}docs/examples/status/`;

test('client/operations.ts is what the OpenAPI document says (else: npm run generate)', () => {
  expect(readFileSync(`${root}client/operations.ts`, 'utf8')).toBe(clientTypes());
});

test('schemas/pipeline.json is what the file format says (else: npm run generate)', () => {
  expect(readFileSync(`${root}schemas/pipeline.json`, 'utf8')).toBe(pipelineSchemaText());
});

test('S53: the table of docs/scheduling.md is what the planner says (else: npm run generate)', () => {
  const text = readFileSync(`${root}docs/scheduling.md`, 'utf8');
  expect(text).toContain('| `15 2 * * *`');
  expect(text).toBe(withDstTable(text));
});

test('the schedule that docs/scheduling.md shows holds, and shows every field there is', () => {
  const [, shown = ''] =
    /```yaml\n([^`]*)```/.exec(readFileSync(`${root}docs/scheduling.md`, 'utf8')) ?? [];
  const { schedules } = parseYaml(shown) as { schedules: Record<string, unknown>[] };
  expect(scheduleSchema.safeParse(schedules[0]).error).toBeUndefined();
  // The other two ways to say when stand in the comment beside the first.
  expect(Object.keys(schedules[0] ?? {}).toSorted()).toEqual(
    ['id', ...scheduleFields.filter((field) => field !== 'every' && field !== 'at')].toSorted(),
  );
});

test('docs/examples/status/ is what the chart says (else: npm run generate)', () => {
  const written = readdirSync(dir).map((file) => [
    file.replace('.json', ''),
    JSON.parse(readFileSync(dir + file, 'utf8')),
  ]);
  const made = everyExample().map(({ name, status }) => [name, JSON.parse(JSON.stringify(status))]);
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(made));
});

test('the examples show every public state of a linear run, and every outcome', () => {
  const statuses = everyExample().map(({ status }) => status);
  const working = [
    'STARTING',
    'RUNNING_TRANSLATOR',
    'RUNNING_ANALYZER',
    'RETRYING',
    'PAUSED',
    'STOPPING',
  ];
  const states = ['IDLE', 'QUEUED', ...working, 'DONE', 'FAILED', 'STOPPED'];
  expect(new Set(statuses.map(({ state }) => state))).toEqual(new Set(states));
  expect(new Set(statuses.map(({ outcome }) => outcome))).toEqual(
    new Set([null, 'success', 'partial', 'noop', 'failed', 'stopped']),
  );
});

test.each(everyExample().map(({ name, status }) => [name, status] as const))(
  '%s fits the schema, and the command line shows it',
  (_, status) => {
    expect(statusSchema.safeParse(JSON.parse(JSON.stringify(status))).error).toBeUndefined();
    const written: unknown[] = [];
    const out = createOutput(
      { write: (chunk) => written.push(chunk) > 0 },
      { write: () => true },
      {},
    );
    showStatus(out, status);
    showRunLine(out, status);
    const text = written.join('');
    expect(text).toContain(status.state);
    expect(text).toContain(status.why);
    for (const word of ['undefined', 'NaN', '\u001b']) expect(text).not.toContain(word);
  },
);

test('color and the progress line are for terminals; NO_COLOR turns color off there too', () => {
  const lines = (isTTY: boolean, env: Record<string, string>): string => {
    const written: unknown[] = [];
    const out = createOutput(
      { write: (chunk) => written.push(chunk) > 0, isTTY, columns: 20 },
      { write: () => true },
      env,
    );
    out.progress('working on a very long thing');
    out.line(out.paint('red', 'over'));
    return written.join('');
  };
  expect(lines(false, {})).toBe('over\n');
  expect(lines(true, {})).toBe('working on a very l\r\u001b[K\u001b[31mover\u001b[0m\n');
  expect(lines(true, { NO_COLOR: '1' })).toBe('working on a very l\r\u001b[Kover\n');
});

test('SEC-14: what others wrote cannot move the cursor, set a title or turn the line', () => {
  const written: string[] = [];
  const stream = { write: (chunk: string) => written.push(chunk) > 0, isTTY: true, columns: 80 };
  const out = createOutput(stream, stream, {});
  const hostile = 'a\u001b[2J\u001b]0;title\u0007\u009b5m\u202eb\u2066\r\u0000';
  out.line(`${out.paint('red', 'DONE')} ${hostile}\n\tmore`);
  out.error(hostile);
  out.progress(hostile);
  expect(written).toEqual([
    '\u001b[31mDONE\u001b[0m a[2J]0;title5mb\n\tmore\n',
    'a[2J]0;title5mb\n',
    'a[2J]0;title5mb',
  ]);
});
