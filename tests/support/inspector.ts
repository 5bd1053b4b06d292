import { createWebSocketReceiver } from '@statelyai/inspect';
import type { z } from 'zod';
import type { InspectionFrame } from '../../wire/inspection.ts';
import { inspectionFrameSchemas } from '../../wire/inspection-frames.ts';
import { until } from './until.ts';

/** The package's own receiver, as it is; it has no way to close, and goes with the service. */
export const receive = (url: string, path: string): InspectionFrame[] => {
  const frames: InspectionFrame[] = [];
  createWebSocketReceiver({ server: `${url.replace('http', 'ws')}${path}` }).subscribe((frame) => {
    frames.push(frame as unknown as InspectionFrame);
  });
  return frames;
};

/** Resolves when that many look. */
export const looking = ({ url }: { url: string }, count: number): Promise<boolean> =>
  until(async () =>
    (await (await fetch(`${url}/metrics`)).text()).includes(`stagewright_inspectors ${count}\n`),
  );

/** A plain client: what it got, and how it was closed. */
export const look = (url: string, path: string) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`);
  const frames: InspectionFrame[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })),
  );
  return { socket, frames, closed };
};

/** What types.ts of @statelyai/inspect asks of each type, and of ours what wire/inspection.ts says. */
export const faultsOf = (frames: readonly InspectionFrame[]): string[] => {
  const faults: string[] = [];
  const actors = new Set<string>();
  for (const frame of frames) {
    const expectThat = (holds: boolean, what: string): void => {
      if (!holds) faults.push(`${frame.id} ${frame.type}: ${what}`);
    };
    const schemas: Record<string, z.ZodType> = inspectionFrameSchemas;
    const parsed = schemas[frame.type.slice('@xstate.'.length)]?.safeParse(frame);
    expectThat(parsed?.success === true, `the schema: ${parsed?.error?.message}`);
    for (const key of ['_version', 'createdAt', 'id', 'sessionId', 'rootId', 'runId'] as const)
      expectThat(typeof frame[key] === 'string', key);
    expectThat(/^\d{1,15}$/.test(frame.createdAt), 'createdAt is epoch milliseconds');
    expectThat(Number.isInteger(frame.seq) && Number.isInteger(frame.version), 'seq, version');
    if (frame.type === '@xstate.actor') {
      expectThat(typeof frame.name === 'string', 'name');
      expectThat(typeof JSON.parse(frame.definition).id === 'string', 'definition.id');
      expectThat(typeof frame.snapshot.status === 'string', 'snapshot.status');
      expectThat(frame.parentId === undefined || actors.has(frame.parentId), 'parent before child');
      actors.add(frame.sessionId);
      continue;
    }
    expectThat(actors.has(frame.sessionId), 'an actor frame came before');
    if (frame.type === '@xstate.action')
      expectThat(typeof frame.action.type === 'string', 'action');
    else expectThat(typeof frame.event.type === 'string', 'event.type');
    if (frame.type === '@xstate.event')
      expectThat(frame.sourceId === undefined || actors.has(frame.sourceId), 'source is known');
    if (frame.type === '@xstate.snapshot')
      expectThat(typeof frame.snapshot.status === 'string', 'snapshot.status');
    if (frame.type === '@xstate.microstep')
      expectThat(
        frame.transitions.every(
          ({ source, target, eventType, actions }) =>
            typeof source === 'string' &&
            (target === null || Array.isArray(target)) &&
            typeof eventType === 'string' &&
            Array.isArray(actions),
        ) && Array.isArray(frame.guards),
        'transitions, guards',
      );
  }
  const ids = frames.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) faults.push('an id twice');
  return faults;
};

type Ledger = { n: number; version: number; verdict: string; to: string; event: { type: string } };
const pathOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .map(([key, inner]) => `${key}.${pathOf(inner)}`)
        .join(' ');

/** What frames of a whole run say otherwise than its ledger and its stored snapshots. */
export const disagreements = async (
  frames: readonly InspectionFrame[],
  get: (path: string) => Promise<unknown>,
  runId: string,
): Promise<string[]> => {
  const { items } = (await get(`/api/runs/${runId}/transitions?limit=1000`)) as { items: Ledger[] };
  const wrong: string[] = [];
  const seqs = [...new Set(frames.map(({ seq }) => seq))];
  const rows = [0, ...items.map(({ n }) => n)];
  if (JSON.stringify(seqs) !== JSON.stringify(rows)) wrong.push(`rows ${rows}, told ${seqs}`);
  for (const { n, version, verdict, to, event } of items) {
    const of = frames.filter(({ seq }) => seq === n);
    const told = of.find((one) => one.type === '@xstate.event');
    if (told?.event.type !== event.type || told.verdict !== verdict || told.version !== version)
      wrong.push(`row ${n}: ${event.type} ${verdict}, told ${JSON.stringify(told)}`);
    if (verdict !== 'accepted') {
      if (of.length !== 1) wrong.push(`row ${n}: ${verdict}, and ${of.length} frames`);
      continue;
    }
    const left = of.find((one) => one.type === '@xstate.snapshot' && one.sessionId === runId);
    const stored = (await get(`/api/runs/${runId}/snapshots/${version}`)) as Record<
      string,
      unknown
    >;
    const { value, context, status } = stored;
    const shown = left?.type === '@xstate.snapshot' ? left.snapshot : {};
    const { value: v, context: c, status: s } = shown as Record<string, unknown>;
    if (JSON.stringify([v, c, s]) !== JSON.stringify([value, context, status]))
      wrong.push(`row ${n}: the snapshot is not the stored one`);
    const steps = of.filter((one) => one.type === '@xstate.microstep');
    const last = steps.at(-1);
    if (last?.type !== '@xstate.microstep' || pathOf(last.value) !== to)
      wrong.push(`row ${n}: the microsteps do not lead to ${to}`);
  }
  return wrong;
};
