import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Each imports only what stands before it. */
const folders = [
  'definition',
  'wire',
  'machines',
  'drawing',
  'stages',
  'services',
  'server',
  'client',
  'dashboard',
  'bin',
];
const files = globSync(
  folders.map((folder) => `${folder}/**/*.{ts,tsx,mjs}`),
  { cwd: root, exclude: ['dashboard/dist/**'] },
);
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|\b(?:import|require|resolve)\(\s*['"`]([^'"`]+)['"`]|(?:^|\n)import\s+['"]([^'"]+)['"]/g;
const importsOf = (file: string): string[] =>
  [...(sources.get(file) ?? '').matchAll(importPattern)].map(
    ([, from, dynamic, bare]) => (from ?? dynamic ?? bare) as string,
  );
/** Code without its comments: a rule about code is not broken by a sentence. */
const codeOf = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '');
const local = (file: string): string[] =>
  importsOf(file)
    .filter((path) => path.startsWith('.'))
    .map((path) => relative(root, join(root, dirname(file), path)));
const where = (pattern: RegExp): string[] =>
  files.filter((file) => pattern.test(codeOf(sources.get(file) ?? '')));
const outside = (found: string[], allowed: string[]): string[] =>
  found.filter((file) => !allowed.some((door) => file.startsWith(door)));

/**
 * `child_process`, `node:child_process` and `yaml/util` are the same doors as the names they stand
 * for.
 */
const isPartOf = (dependency: string, path: string): boolean => {
  const bare = (name: string): string => name.replace(/^node:/, '');
  return bare(path) === bare(dependency) || bare(path).startsWith(`${bare(dependency)}/`);
};

/** Theirs are made of our own words: a field name of /proc, the table of routes. */
const regExpDoors = ['services/launcher/proc.ts', 'server/app.ts', 'stages/local-paths.ts'];

test('the rules look at something', () => expect(files.length).toBeGreaterThan(60));

test('imports point one way: definition ← wire ← machines ← drawing ← stages ← services ← server ← client ← bin', () => {
  const wrong = files.flatMap((file) =>
    local(file)
      .filter(
        (target) =>
          folders.indexOf(target.split('/')[0] as string) >
          folders.indexOf(file.split('/')[0] as string),
      )
      .map((target) => `${file} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('there is no import cycle, not even of types', () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file) || path.includes(file)) return;
    for (const target of local(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test.each([
  ['xstate', ['machines/machine.ts', 'services/interpreter/']],
  ['express', ['server/app.ts', 'server/dashboard.ts']],
  ['react-dom', ['dashboard/main.tsx']],
  ['wouter', ['dashboard/']],
  ['@tanstack/react-query', ['dashboard/']],
  ['vite', ['dashboard/build/']],
  ['ws', ['server/stream/']],
  ['winston', ['services/host/logger.ts']],
  ['prom-client', ['server/metrics.ts']],
  ['yaml', ['services/pipelines/read-pipeline.ts']],
  ['modern-tar', ['services/backup/']],
  ['@duckdb/node-api', ['stages/builtin/duckdb.ts', 'stages/builtin-modules.ts']],
  ['node:http', ['server/', 'stages/http-request.ts']],
  ['node:https', ['stages/http-request.ts']],
  ['node:sqlite', ['services/sqlite/']],
  ['node:child_process', ['services/launcher/', 'bin/stagewright.mjs', 'dashboard/build/dev.ts']],
  ['node:worker_threads', ['services/pipelines/reader.ts', 'services/pipelines/reader-thread.ts']],
  ['node:perf_hooks', ['services/health/event-loop.ts']],
  ['node-cron', ['services/scheduler/waker.ts']],
  ['croner', ['services/calendar/cron.ts']],
  ['nodemailer', ['services/notifications/mail-channel.ts']],
  ['standardwebhooks', ['services/notifications/web-channels.ts']],
  ['ipaddr.js', ['services/notifications/public-address.ts']],
  ['node:dns', ['services/notifications/public-address.ts']],
])('%s is touched only in %j', (dependency, doors) => {
  expect(
    outside(
      files.filter((file) => importsOf(file).some((path) => isPartOf(dependency, path))),
      doors,
    ),
  ).toEqual([]);
});

test('no regular expression is made of text at run time: one star too many in it would hold the loop', () => {
  expect(outside(where(/\bnew RegExp\(|(?<![\w.])RegExp\(/), regExpDoors)).toEqual([]);
});

const isIn = (...rooms: string[]): ((target: string) => boolean) => {
  const pattern = new RegExp(`^(${rooms.join('|')})/`);
  return (target) => pattern.test(target);
};

test.each([
  ['definition', []],
  ['wire', ['definition']],
  ['machines', ['definition', 'wire']],
  ['drawing', ['definition', 'wire', 'machines']],
])('%s/ is pure: it imports zod, xstate, itself and %j only', (room, below) => {
  const foreign = files.filter(isIn(room)).flatMap((file) =>
    importsOf(file)
      .filter((path) => {
        if (!path.startsWith('.')) return !['zod', 'xstate'].includes(path);
        return !isIn(room, ...below)(join(dirname(file), path));
      })
      .map((path) => `${file}: ${path}`),
  );
  expect(foreign).toEqual([]);
});

test('the interpreter knows no pipeline: of the lifecycle it imports only that a chart is JSON', () => {
  const foreign = files
    .filter(isIn('services/interpreter'))
    .flatMap((file) => local(file).filter(isIn('definition', 'machines', 'services/lifecycle')));
  expect([...new Set(foreign)]).toEqual(['machines/chart-config.ts']);
});

test('client/ runs in a browser: it imports the words on the wire and itself only', () => {
  const foreign = files
    .filter(isIn('client'))
    .flatMap((file) => [
      ...importsOf(file).filter((path) => !path.startsWith('.')),
      ...local(file).filter((target) => !isIn('client', 'wire')(target)),
    ]);
  expect(foreign).toEqual([]);
});

test('dashboard/ imports client/, what is pure and itself only, and nobody imports it', () => {
  const inside = (file: string): boolean =>
    file.startsWith('dashboard/') && !file.startsWith('dashboard/build/');
  const allowed = isIn('dashboard', 'client', 'definition', 'wire', 'machines', 'drawing');
  const foreign = files.flatMap((file) =>
    local(file)
      .filter((target) => (inside(file) ? !allowed(target) : inside(target)))
      .map((target) => `${file} → ${target}`),
  );
  expect(foreign).toEqual([]);
});

/** The folder inside a top folder; a file that lies in the hallway is a room of its own. */
const roomOf = (file: string): string => file.split('/').slice(0, 2).join('/');

test.each(folders)('the rooms of %s/ form no circle', (folder) => {
  const doors = new Map<string, Set<string>>();
  for (const file of files.filter(isIn(folder)))
    for (const target of local(file).filter(isIn(folder)))
      if (roomOf(target) !== roomOf(file))
        doors.set(roomOf(file), (doors.get(roomOf(file)) ?? new Set()).add(roomOf(target)));
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (room: string, path: string[]): void => {
    if (path.includes(room)) circles.push([...path.slice(path.indexOf(room)), room].join(' → '));
    if (done.has(room) || path.includes(room)) return;
    for (const next of doors.get(room) ?? []) walk(next, [...path, room]);
    done.add(room);
  };
  for (const room of doors.keys()) walk(room, []);
  expect(circles).toEqual([]);
});

test('services/ has rooms and no hallway, and no two files of the house share a name', () => {
  expect(files.filter((file) => /^services\/[^/]+\.ts$/.test(file))).toEqual([]);
  const names = Map.groupBy(files, (file) => basename(file).replace(/\.(tsx?|mjs)$/, ''));
  expect([...names.values()].filter((some) => some.length > 1)).toEqual([]);
});

/** What is left of a file when its types are taken away. */
const valueImports = (file: string): string[] =>
  [
    ...(sources.get(file) ?? '')
      .replaceAll(/(?:^|\n)(import|export) type [^;]*;/g, '')
      .matchAll(importPattern),
  ].map(([, from, dynamic, bare]) => (from ?? dynamic ?? bare) as string);

test('what the browser loads reaches neither xstate nor zod nor a module of Node', () => {
  const reached = new Map<string, string>();
  const visit = (file: string, by: string): void => {
    if (reached.has(file)) return;
    reached.set(file, by);
    for (const path of valueImports(file)) {
      if (/^(xstate|zod|node:)/.test(path)) reached.set(path, file);
      else if (path.startsWith('.')) visit(relative(root, join(root, dirname(file), path)), file);
    }
  };
  visit('dashboard/main.tsx', '');
  expect(reached.size).toBeGreaterThan(20);
  expect([...reached].filter(([path]) => /^(xstate|zod|node:)/.test(path))).toEqual([]);
});

test('time comes through services/host/clock.ts', () => {
  const exceptions = [
    'services/host/clock.ts',
    // Measures lateness, not time.
    'services/health/event-loop.ts',
    // Processes of their own, without the service and its clock.
    'services/launcher/launcher-process.ts',
    'stages/module-host.ts',
    'stages/builtin/',
    // A hang guard for disks, not a wait.
    'stages/written-file.ts',
    'bin/',
    // In a browser too.
    'client/',
    'dashboard/',
  ];
  const pattern = /Date\.now\b|new Date\(\)|\bsetTimeout\(|\bsetInterval\(|hrtime|performance\./;
  const importing = files.filter((file) =>
    importsOf(file).some((path) => isPartOf('timers', path) || isPartOf('perf_hooks', path)),
  );
  expect(outside([...where(pattern), ...importing], exceptions)).toEqual([]);
});

test('what a stage wrote is opened in stages/written-file.ts, and nowhere else in the service', () => {
  // Each of these reads what is ours or a person's, or only looks at names, kinds and ages.
  const others = [
    'services/history/archive.ts',
    'services/history/artefacts.ts',
    'services/host/clock.ts',
    'services/host/disk.ts',
    'services/health/store-place.ts',
    'services/launcher/',
    'services/history/logs.ts',
    'services/history/masking.ts',
    'services/pipelines/pipelines.ts',
    'services/host/private-files.ts',
    'services/history/retention.ts',
    'services/runners/preflight.ts',
    'services/runners/verify.ts',
    // What a user names: links are followed.
    'services/secrets/env-file.ts',
    'services/scheduler/new-input.ts',
    'services/calendar/skip-days.ts',
    'services/sqlite/integrity.ts',
    'services/sqlite/owner.ts',
    'services/sqlite/put-back.ts',
    'services/sqlite/store-file.ts',
    // What it copies it opens by that door.
    'services/backup/',
    'services/start/start.ts',
    'services/history/unknown-folders.ts',
    'stages/evidence.ts',
    'stages/kinds/',
    'stages/process-runner.ts',
    // Inside the stage's own process.
    'stages/builtin/',
    'stages/module-host.ts',
  ];
  const touching = files
    .filter((file) => /^(services|stages)\//.test(file))
    .filter((file) =>
      /import (?!type)[^;]*from 'node:fs(\/promises)?'/.test(sources.get(file) ?? ''),
    );
  expect(outside(touching, ['stages/written-file.ts', ...others])).toEqual([]);
  // Of those that know where a stage writes, none opens anything itself.
  const knowing = where(/\b(attemptDirOf|filesOf|workspaceOf)\b|stdoutPath/).filter((file) =>
    /^(services|stages)\//.test(file),
  );
  expect(knowing.length).toBeGreaterThan(5);
  expect(
    knowing.filter((file) =>
      /import (?!type)[^;]*\b(open|openSync|readFile|readFileSync|createReadStream)\b[^;]*from 'node:fs/.test(
        sources.get(file) ?? '',
      ),
    ),
    // They open to write: a name that was made free before, and without waiting.
  ).toEqual(['services/launcher/launcher-process.ts', 'services/history/masking.ts']);
});

test('randomness and the environment each have their doors', () => {
  expect(
    outside(where(/Math\.random\b/), ['client/follow.ts', 'bin/commands/log-commands.ts']),
  ).toEqual([]);
  expect(
    where(/\bcrypto\b|randomUUID|randomBytes/).filter(
      isIn('definition', 'wire', 'machines', 'drawing'),
    ),
  ).toEqual([]);
  expect(
    outside(
      where(/process\.env\b|\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\s*;|['"]node:process['"]/),
      ['bin/', 'stages/module-host.ts'],
    ),
  ).toEqual([]);
});

test('actors are made, and SQL is written, in one place', () => {
  expect(outside(where(/createActor\(/), ['services/interpreter/'])).toEqual([]);
  const sql =
    /\b(SELECT [\w*]|INSERT (OR \w+ )?INTO\b|UPDATE \w+ SET\b|DELETE FROM\b|CREATE TABLE\b)/;
  expect(outside(where(sql), ['services/sqlite/', 'stages/builtin/'])).toEqual([]);
});

test('there are no default exports and no barrels', () => {
  expect(where(/^export default/m)).toEqual([]);
  expect(files.filter((file) => /\/index\.ts$/.test(file))).toEqual([]);
  expect(where(/^export\s[^;'"=]*from\s+['"]/m)).toEqual([]);
});

const maxFunctionLines = 80;
/** The formatter closes a function at the depth at which the line of its head begins. */
const functionHead =
  /=>\s*[({[]*$|=>$|\bfunction\b.*\{$|^\s*(async )?\w+\(.*\) (: .+ )?\{$|^\s*\).*=> ?[({]*$/;
const notAFunction = /^\s*(\} )?(if|for|while|switch|else|catch|try)\b/;
const depthOf = (line: string): number => line.length - line.trimStart().length;
const functionsOf = (file: string): { name: string; lines: number }[] => {
  const lines = (sources.get(file) ?? '').split('\n');
  return lines.flatMap((line, start) => {
    if (!functionHead.test(line) || notAFunction.test(line)) return [];
    const depth = depthOf(line);
    const length = lines
      .slice(start + 1)
      .findIndex((next) => next.trim() !== '' && depthOf(next) <= depth);
    // A head of several lines closes at the depth at which it was opened.
    const head = /^\s*[)}]/.test(line)
      ? lines.slice(0, start).findLast((one) => depthOf(one) === depth && /^\s*\w/.test(one))
      : line;
    const name = /(?:const|function\*?)\s+(\w+)|^\s*(\w+)[:(]/.exec(head ?? '');
    return [{ name: `${file} ${name?.[1] ?? name?.[2] ?? start + 1}`, lines: length + 2 }];
  });
};
/** Longer ones of before the rule, with what they may have at most: they go, and never grow. */
const stillTooLong: Record<string, number> = {
  'bin/serve.ts serve': 150,
  'client/follow.ts follow': 150,
  'dashboard/chart/chart.tsx Chart': 100,
  'dashboard/chart/use-viewport.ts useViewport': 100,
  'dashboard/history/trend-plot.tsx TrendPlot': 110,
  'dashboard/history/trend-plot.tsx useEffect': 90,
  'dashboard/live/live-store.ts createLiveStore': 90,
  'dashboard/log/log-document.ts openLog': 190,
  'dashboard/log/use-lines.ts useLines': 100,
  'dashboard/run/run-commands.tsx Commands': 170,
  'dashboard/schedules/backfill-dialog.tsx BackfillDialog': 110,
  'dashboard/schedules/schedule-form.tsx ScheduleForm': 110,
  'dashboard/schedules/schedules-page.tsx SchedulesPage': 100,
  'dashboard/shell/shell.tsx Frame': 110,
  'dashboard/start/start-dialog.tsx StartForm': 130,
  'drawing/column.ts column': 120,
  'drawing/roles.ts rolesOf': 110,
  'drawing/sequence.ts row': 90,
  'drawing/stage-block.ts stageBlock': 170,
  'drawing/stage-lines.ts stageLines': 160,
  'drawing/stage-place.ts placeStage': 130,
  'drawing/stage-wires.ts stageWires': 120,
  'machines/compile.ts compile': 100,
  'server/stream/journal-tail.ts createJournalTail': 120,
  'server/stream/logs-channel.ts serveLogs': 110,
  'services/calendar/zone.ts createZone': 90,
  'services/history/archive.ts createArchive': 120,
  'services/history/masking.ts createMasking': 90,
  'services/history/retention.ts createRetention': 140,
  'services/host/disk.ts createDisk': 140,
  'services/interpreter/effects.ts createEffects': 120,
  'services/interpreter/interpreter.ts createInterpreter': 170,
  'services/interpreter/room.ts createRoom': 90,
  'services/interpreter/timers.ts createTimers': 120,
  'services/launcher/launcher.ts createLauncher': 110,
  'services/launcher/process-table.ts createProcessTable': 100,
  // A wrapper that is written out for each method, so that the compiler knows them all.
  'services/health/store-trouble.ts watchStore': 90,
  'services/orchestrator/command-handler.ts createCommands': 170,
  'services/scheduler/backfills.ts createBackfills': 130,
  'services/scheduler/decisions.ts createDecisions': 300,
  'services/scheduler/edits.ts createEdits': 160,
  'services/scheduler/preview.ts createForecast': 90,
  'services/scheduler/schedule-registry.ts createScheduleRegistry': 180,
  'services/scheduler/schedule-service.ts createSchedules': 170,
  'services/scheduler/scheduler.ts createScheduler': 180,
  'services/scheduler/upcoming.ts createUpcoming': 130,
  'services/sqlite/reads.ts createReads': 130,
  'services/sqlite/slots.ts createSlotStore': 190,
  'services/sqlite/writes.ts applyDecision': 120,
  'services/start/admission.ts createAdmission': 90,
  'services/start/start.ts createStarter': 300,
  'services/start/start.ts retryFrom': 90,
  'services/watchdog/alarms.ts createAlarms': 90,
  'services/watchdog/heartbeats.ts createHeartbeats': 160,
  'stages/builtin/translator/intraday.ts translateIntraday': 90,
  'stages/protocol.ts openHearing': 90,
};

test(`no function is longer than ${maxFunctionLines} lines, and those that were before the rule do not grow`, () => {
  const long = files
    .flatMap(functionsOf)
    .filter(({ name, lines }) => lines > (stillTooLong[name] ?? maxFunctionLines));
  expect(long).toEqual([]);
});

test('who is named as too long still is', () => {
  const long = files.flatMap(functionsOf).filter(({ lines }) => lines > maxFunctionLines);
  const names = long.map(({ name }) => name);
  expect(Object.keys(stillTooLong).filter((name) => !names.includes(name))).toEqual([]);
});

/** Casts for a thousand lines; the goal is 8, and the number here only falls. */
const maxCasts = 13;

test(`there are at most ${maxCasts} casts in a thousand lines`, () => {
  const count = (pattern: RegExp, text: string): number => text.match(pattern)?.length ?? 0;
  let casts = 0;
  let lines = 0;
  for (const file of files) {
    const code = codeOf(sources.get(file) ?? '').replaceAll(
      /(?:^|\n)(import|export) [^;]*from '[^']*';|'[^'\n]*'|`[^`]*`/g,
      '',
    );
    casts += count(/[\w)\]}>] as (?!const\b)/g, code);
    lines += (sources.get(file) ?? '').split('\n').length;
  }
  expect((casts / lines) * 1000).toBeLessThanOrEqual(maxCasts);
});
