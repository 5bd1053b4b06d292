import { commandSchema, eventOfCommand, plainCommands } from '../../machines/commands.ts';
import { openApi } from '../../server/openapi.ts';
import { type CommandOption, commandTable, commandTypes } from '../../wire/command-table.ts';

/** What the command line fills in for each option (bin/commands/control.ts). */
const filled: Record<CommandOption, Record<string, unknown>> = {
  now: { grace_ms: 0 },
  stage: { stage: 'one' },
  latest: { definition: 'latest' },
  outputs: { outputs: { rows: 1 } },
  reason: { reason: 'because' },
  wait: {},
};

test.each(commandTypes)(
  '%s takes what each option of its verb fills in, and nothing else',
  (type) => {
    const own: readonly CommandOption[] = commandTable[type].verb.options;
    for (const [option, fields] of Object.entries(filled) as [CommandOption, object][]) {
      if (Object.keys(fields).length === 0) continue;
      const { success } = commandSchema.safeParse({ type, ...fields });
      expect([option, success]).toEqual([option, own.includes(option)]);
    }
  },
);

test.each(commandTypes)('%s in its plainest form is an event of the same name', (type) => {
  expect(plainCommands[type].type).toBe(type);
  expect(eventOfCommand(plainCommands[type], 'ada')).toMatchObject({
    type,
    by: 'ada',
    reason: null,
  });
});

test('commands of one verb differ in the runs they are for, and one alone is offered first', () => {
  const meant = commandTypes.map(
    (type) => `${commandTable[type].verb.name} ${commandTable[type].of}`,
  );
  expect(meant).toEqual([...new Set(meant)]);
  const ranks = commandTypes.flatMap((type) => commandTable[type].rank ?? []);
  expect(ranks).toEqual([...new Set(ranks)]);
});

test('every command says in the published document which role it needs', () => {
  const { paths } = openApi('test') as {
    paths: Record<string, Record<string, { requestBody: { content: Record<string, unknown> } }>>;
  };
  const { content } = paths['/api/runs/{id}/commands']?.post?.requestBody ?? { content: {} };
  expect(content['application/json']).toMatchObject({
    schema: {
      oneOf: commandTypes.map((type) => ({
        properties: { type: { const: type } },
        'x-role': commandTable[type].role,
      })),
    },
  });
  expect(commandTypes.map((type) => commandTable[type].role)).toEqual(
    commandTypes.map(() => 'operate'),
  );
});
