import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { scheduleFields } from '../../definition/schedule.ts';
import { type Served, serveHttp } from '../support/http.ts';

const file =
  'name: p\ntimezone: America/Chicago\nstages:\n  - { name: one, run: ["true"] }\nschedules:\n  - { cron: "30 2 * * *" }\n';
let served: Served;
beforeEach(async () => {
  served = await serveHttp({
    pipelines: { 'p.yaml': file, 'q.yaml': 'name: q\nstages:\n  - { name: one, run: ["true"] }\n' },
    defaultPipeline: 'p',
  });
});
afterEach(() => served.close());
const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  served.ask(method, path, { ...(body !== undefined && { body: JSON.stringify(body) }), headers });
const get = async (path: string) => (await send('GET', path)).json;

test('S50: what the classic schedule, the list, the preview and upcoming say agrees, and a change takes effect at once', async () => {
  const changed = await send('POST', '/api/schedule', {
    cron: '15 9 * * 1-5',
    overlap: 'queue_one',
  });
  expect([changed.status, changed.json]).toEqual([200, await get('/api/schedule')]);
  expect(changed.json).toEqual({
    cron: '15 9 * * 1-5',
    timezone: 'America/Chicago',
    enabled: true,
    overlap: 'queue_one',
    missed: 'none',
    dst_gap: 'run_at_shift',
    dst_fold: 'once',
    next_slots: expect.any(Array),
  });
  const next = changed.json.next_slots;
  expect(next).toHaveLength(5);
  expect((await get('/api/schedules')).items[0].next_slots).toEqual(next);
  expect(
    (await get('/api/pipelines')).items.find((one: { name: string }) => one.name === 'p')
      .next_slots,
  ).toEqual(next);
  expect(
    (await get('/api/schedules/preview?id=p&count=5')).slots.map(
      (one: { slot: string }) => one.slot,
    ),
  ).toEqual(next);
  expect(
    (await get('/api/schedules/upcoming?limit=5')).items.map((one: { slot: string }) => one.slot),
  ).toEqual(next);
  expect((await get('/api/pipeline/snapshot')).schedule).toEqual(changed.json);
  const bad = await send('POST', '/api/schedule', { cron: '15 25 * * *' });
  expect([bad.status, bad.json.code, bad.json.errors[0].pointer]).toEqual([
    422,
    'invalid-schedule',
    '/cron',
  ]);
  expect((await get('/api/schedule')).cron).toBe('15 9 * * 1-5');
});

test('the classic schedule of a pipeline without one is made by the first POST', async () => {
  expect(await get('/api/schedule?pipeline=q')).toMatchObject({
    cron: null,
    enabled: false,
    next_slots: [],
  });
  expect(
    (
      await send('POST', '/api/schedule?pipeline=q', {
        cron: '@hourly',
        every: null,
        timezone: 'Asia/Kolkata',
      })
    ).status,
  ).toBe(200);
  expect(await get('/api/schedules/q')).toMatchObject({
    id: 'q',
    source: 'api',
    cron: '@hourly',
    timezone: 'Asia/Kolkata',
  });
});

test('a schedule is made with its Location, changed at its version, and removed; each refusal has its code', async () => {
  const made = await send(
    'POST',
    '/api/schedules',
    { id: 'mine', pipeline: 'q', every: '15m' },
    { 'X-Actor': 'ann' },
  );
  expect([made.status, made.headers.location, made.headers.etag, made.json.created.by]).toEqual([
    201,
    '/api/schedules/mine',
    expect.stringMatching(/^W\/"1\./),
    'ann',
  ]);
  const refused = async (answer: ReturnType<typeof send>) => {
    const { status, json } = await answer;
    return [status, json.code];
  };
  expect(
    await refused(send('POST', '/api/schedules', { id: 'mine', pipeline: 'q', every: '15m' })),
  ).toEqual([409, 'schedule-exists']);
  expect(
    await refused(send('POST', '/api/schedules', { id: 'preview', pipeline: 'q', every: '15m' })),
  ).toEqual([422, 'invalid-body']);
  expect(
    await refused(send('POST', '/api/schedules', { id: 'x', pipeline: 'q', evry: '15m' })),
  ).toEqual([422, 'invalid-body']);
  expect(
    await refused(
      send('POST', '/api/schedules', {
        id: 'x',
        pipeline: 'q',
        every: '15m',
        timezone: 'Mars/Olympus',
      }),
    ),
  ).toEqual([422, 'invalid-body']);
  const patched = await send(
    'PATCH',
    '/api/schedules/mine',
    { every: null, cron: '*/5 * * * *', enabled: false },
    { 'If-Match': '"1"' },
  );
  expect([
    patched.status,
    patched.headers.etag,
    patched.json.enabled,
    patched.json.every_ms,
  ]).toEqual([200, expect.stringMatching(/^W\/"2\./), false, null]);
  expect(
    await refused(send('PATCH', '/api/schedules/mine', { enabled: true }, { 'If-Match': '"1"' })),
  ).toEqual([412, 'schedule-moved']);
  expect(
    await refused(send('PATCH', '/api/schedules/mine', { enabled: true }, { 'If-Match': 'x' })),
  ).toEqual([400, 'bad-parameter']);
  expect(await refused(send('PATCH', '/api/schedules/min', { enabled: true }))).toEqual([
    404,
    'unknown-schedule',
  ]);
  expect(await refused(send('DELETE', '/api/schedules/p'))).toEqual([409, 'defined-in-file']);
  expect(
    await refused(send('DELETE', '/api/schedules/mine', undefined, { 'If-Match': '"1"' })),
  ).toEqual([412, 'schedule-moved']);
  expect((await send('DELETE', '/api/schedules/mine')).json).toEqual({ removed: 'mine' });
  expect(await refused(send('GET', '/api/schedules/mine'))).toEqual([404, 'unknown-schedule']);
  expect((await send('PUT', '/api/schedules/p')).headers.allow).toBe(
    'GET, HEAD, PATCH, DELETE, OPTIONS',
  );
});

test('S53: the preview marks the gap, the repeated hour, blackout and overlaps, by GET and by POST alike', async () => {
  const gap =
    '/api/schedules/preview?cron=30+2+*+*+*&timezone=America/Chicago&from=2027-03-13T12:00:00Z&count=2';
  const { slots } = await get(gap);
  expect(slots[0]).toMatchObject({
    slot: '2027-03-14T08:00:00.000Z',
    local: '2027-03-14T03:00:00-05:00',
    predicted: 'start',
  });
  expect(slots[0].notes).toEqual([
    '02:30 does not exist on 2027-03-14: run once, at the shift, 03:00',
  ]);
  const skipped = await send('POST', '/api/schedules/preview', {
    id: 'p',
    dst_gap: 'skip',
    from: '2027-03-13T12:00:00Z',
    count: 2,
  });
  expect(skipped.json.slots[0]).toMatchObject({
    predicted: 'left_out',
    why: '02:30 does not exist on 2027-03-14: left out',
  });
  const fold = await get(
    '/api/schedules/preview?cron=30+1+*+*+*&timezone=America/Chicago&from=2027-11-06T12:00:00Z&count=1',
  );
  expect(fold.slots[0].notes).toEqual([
    '01:30 comes twice on 2027-11-07: runs the first time only',
  ]);
  const dark = await send('POST', '/api/schedules/preview', {
    cron: '0 * * * *',
    blackout: [{ from: '10:00', to: '11:00' }],
    from: '2027-01-01T09:30:00Z',
    count: 2,
  });
  expect(dark.json.slots.map((one: { predicted: string }) => one.predicted)).toEqual([
    'left_out',
    'start',
  ]);
  const free = await send('POST', '/api/schedules/preview', {
    cron: null,
    every: '1h',
    jitter: null,
    count: 1,
  });
  expect([free.status, free.json.timezone]).toEqual([200, 'UTC']);
  const bad = await send('GET', '/api/schedules/preview?cron=30+2');
  expect([bad.status, bad.json.errors[0].pointer]).toEqual([422, '/cron']);
});

test('pause, backfill and slots speak over REST', async () => {
  expect(
    (await send('POST', '/api/schedules/pause', { reason: 'move' }, { 'X-Actor': 'ann' })).json,
  ).toEqual({
    paused: true,
    by: 'ann',
    reason: 'move',
  });
  expect(await get('/api/schedules')).toMatchObject({
    paused: { by: 'ann', reason: 'move' },
    items: [{ next_slots: [] }],
  });
  expect((await send('POST', '/api/schedules/resume', {})).json.paused).toBe(false);
  const window = { from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z' };
  expect(
    (await send('POST', '/api/schedules/p/backfills', { ...window, dry_run: true })).json,
  ).toMatchObject({
    id: null,
    state: 'planned',
    counts: { would_run: 2 },
  });
  const begun = await send('POST', '/api/schedules/p/backfills', window);
  expect([begun.status, begun.json.state]).toEqual([202, 'running']);
  expect((await get('/api/schedules/p/slots')).items).toMatchObject([
    { backfill: begun.json.id, decision: 'waiting' },
    { backfill: begun.json.id, decision: 'waiting' },
  ]);
  expect(
    (await send('POST', `/api/schedules/backfills/${begun.json.id}/cancel`, {})).json,
  ).toMatchObject({
    state: 'cancelled',
    counts: { cancelled: 2 },
  });
  expect((await get('/api/schedules/p/backfills')).items).toEqual(
    (await get('/api/schedules/backfills')).items,
  );
});

test('whatever is asked of schedules is answered or refused with a code, never a fault of ours', async () => {
  const words = fc.constantFrom(
    ...[
      '* * * * *',
      '0 0 29 2 *',
      '*/7 1-3,5 L * MON#2',
      '60 * * * *',
      '1h',
      '2027-03-14T02:30',
      '0001-01-01',
      '9999-12-31T23:59Z',
      '',
      'UTC',
      'Pacific/Apia',
    ],
  );
  const leaf = fc.oneof(
    words,
    fc.string({ maxLength: 12 }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const value = fc.oneof(
    { weight: 4, arbitrary: leaf },
    fc.array(leaf, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('from', 'to', 'days', 'file', 'x'), leaf),
  );
  const body = fc.dictionary(
    fc.constantFrom(
      ...scheduleFields,
      'id',
      'pipeline',
      'count',
      'from',
      'to',
      'dry_run',
      'revert',
    ),
    value,
    {
      maxKeys: 5,
    },
  );
  const address = fc.constantFrom(
    ...([
      ['POST', '/api/schedules'],
      ['POST', '/api/schedules/preview'],
      ['PATCH', '/api/schedules/p'],
      ['POST', '/api/schedules/p/backfills'],
      ['POST', '/api/schedule?pipeline=q'],
    ] as const),
  );
  await fc.assert(
    fc.asyncProperty(address, body, async ([method, path], given) => {
      const { status, json } = await send(method, path, given);
      expect([status < 500, status < 400 || typeof json.code === 'string']).toEqual([true, true]);
    }),
    { numRuns: 300 },
  );
  expect((await send('GET', '/api/schedules')).status).toBe(200);
  expect((await get('/api/health')).checks.scheduler.status).toBe('ok');
});

test('UI-1: a schedule that is due each minute does not hide when the others are due first', async () => {
  await send('POST', '/api/schedules', { id: 'busy', pipeline: 'q', every: '1m' });
  await send('POST', '/api/schedules', { id: 'daily', pipeline: 'q', cron: '30 23 * * *' });
  const of = async (query: string) =>
    ((await get(`/api/schedules/upcoming?${query}`)).items as { schedule: string }[]).map(
      ({ schedule }) => schedule,
    );
  const count = (all: string[], id: string) => all.filter((one) => one === id).length;
  const few = await of('limit=10');
  expect([few.length, count(few, 'p'), count(few, 'daily'), count(few, 'busy')]).toEqual([
    10, 1, 1, 8,
  ]);
  const each = await of('limit=200&per_schedule=5');
  expect([count(each, 'p'), count(each, 'daily'), count(each, 'busy')]).toEqual([5, 5, 5]);
  // More schedules than were asked for: each still says its first.
  expect((await of('limit=2')).toSorted()).toEqual(['busy', 'daily', 'p']);
});

/** How often others had their turn while this was worked on. */
const turnsDuring = async <T>(work: () => Promise<T>): Promise<{ turns: number; answer: T }> => {
  let turns = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await setImmediate();
      turns += 1;
    }
  })();
  const answer = await work();
  isDone = true;
  await others;
  return { turns, answer };
};

test('TIME-7, SEC-19: a thousand slots are one call, and between any two slots that are asked for others have their turn', async () => {
  // A rare day, of which each costs milliseconds to find.
  const rare = { cron: '59 59 23 31 12 1', timezone: 'America/Chicago' };
  const actor = { name: 'ann' };
  await served.orchestrator.createSchedule('rare', 'q', rare, actor);
  const preview = await turnsDuring(() =>
    served.orchestrator.previewSchedule({
      id: 'rare',
      pipeline: null,
      written: {},
      from: Date.parse('2027-01-01T00:00:00Z'),
      count: 40,
    }),
  );
  expect([preview.answer.slots.length, preview.turns >= 40]).toEqual([40, true]);
  const backfill = await turnsDuring(() =>
    served.orchestrator.backfill('rare', {
      from: Date.parse('2000-01-01'),
      to: Date.parse('2008-01-01'),
      again: false,
      dryRun: true,
      reason: null,
      actor,
    }),
  );
  const planned = backfill.answer.slots?.length ?? 0;
  expect([planned > 30, backfill.turns >= planned]).toEqual([true, true]);
  const list = await turnsDuring(() => served.orchestrator.schedules(null));
  const shown = list.answer.items.flatMap(({ next_slots }) => next_slots).length;
  expect([shown, list.turns >= shown]).toEqual([10, true]);
  const coming = await turnsDuring(() => served.orchestrator.upcoming(40, 20));
  expect([coming.answer.items.length, coming.turns >= 40]).toEqual([40, true]);
  const year = await get('/api/schedules/preview?cron=30%206%20*%20*%20*&count=400');
  expect([
    year.slots.length,
    new Set(year.slots.map((one: { slot: string }) => one.slot)).size,
  ]).toEqual([400, 400]);
  expect((await send('GET', '/api/schedules/preview?cron=@daily&count=1001')).status).toBe(400);
});

test('SEC-12: five hundred schedules may be made by the API, and one more when one is removed', async () => {
  const at = Date.now();
  for (let index = 0; index < 500; index += 1)
    await served.store.saveSchedule(
      {
        id: `s-${index}`,
        pipeline: 'q',
        file: null,
        origin: 'api',
        overrides: { cron: { value: '@yearly', by: 'ann', at } },
        version: 1,
        decidedTo: at,
        createdAt: at,
        createdBy: 'ann',
        updatedAt: at,
      },
      null,
      [],
      at,
    );
  await served.orchestrator.reload({ kind: 'user', name: 'ann' });
  const make = () => send('POST', '/api/schedules', { id: 'more', pipeline: 'q', every: '15m' });
  expect((await make()).json).toMatchObject({ status: 409, code: 'too-many-schedules' });
  expect((await send('DELETE', '/api/schedules/s-7')).status).toBe(200);
  expect((await make()).status).toBe(201);
});
