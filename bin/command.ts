import type { Api } from '../client/api.ts';
import type { Output } from './print.ts';

/** Exit codes are a contract (docs/cli.md): scripts decide by them. */
export const exits = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  stopped: 5,
  timedOut: 124,
  interrupted: 130,
};
/** The words cannot be understood: exit 2. */
export class Usage extends Error {}

/** Every option of every command, once. */
export const optionTypes = {
  url: { type: 'string' },
  json: { type: 'boolean' },
  strict: { type: 'boolean' },
  help: { type: 'boolean' },
  wait: { type: 'boolean' },
  follow: { type: 'boolean' },
  force: { type: 'boolean' },
  param: { type: 'string', multiple: true },
  reason: { type: 'string' },
  timeout: { type: 'string' },
  key: { type: 'string' },
  state: { type: 'string' },
  trigger: { type: 'string' },
  at: { type: 'string' },
  label: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  search: { type: 'string' },
  limit: { type: 'string' },
  stage: { type: 'string' },
  attempt: { type: 'string' },
  tail: { type: 'string' },
  outputs: { type: 'string' },
  out: { type: 'string' },
  system: { type: 'boolean' },
  latest: { type: 'boolean' },
  format: { type: 'string' },
  cron: { type: 'string' },
  timezone: { type: 'string' },
  count: { type: 'string' },
  'dry-run': { type: 'boolean' },
  again: { type: 'boolean' },
  now: { type: 'boolean' },
  'data-dir': { type: 'string' },
  pipelines: { type: 'string' },
  seed: { type: 'string' },
  runs: { type: 'string' },
  fail: { type: 'string', multiple: true },
  hang: { type: 'string', multiple: true },
  skip: { type: 'string', multiple: true },
  takes: { type: 'string', multiple: true },
  deaf: { type: 'string', multiple: true },
  late: { type: 'string', multiple: true },
  'stop-at': { type: 'string', multiple: true },
  'crash-at': { type: 'string', multiple: true },
  'reboot-at': { type: 'string', multiple: true },
  'crash-before': { type: 'string', multiple: true },
  'crash-after': { type: 'string', multiple: true },
  'slow-store': { type: 'string', multiple: true },
  'clock-step': { type: 'string', multiple: true },
  workspaces: { type: 'boolean' },
  paused: { type: 'boolean' },
  unit: { type: 'boolean' },
} as const;
type OptionName = keyof typeof optionTypes;
type Values = {
  [name in OptionName]?: (typeof optionTypes)[name] extends { multiple: true }
    ? string[]
    : (typeof optionTypes)[name]['type'] extends 'boolean'
      ? boolean
      : string;
};

export type Context = {
  api: Api;
  /** The same for a service at another address. */
  apiAt: (url: string) => Api;
  /** Address of the service. */
  url: string;
  args: string[];
  values: Values;
  out: Output;
  env: Record<string, string | undefined>;
};
export type Command = {
  /** What stands behind the name: `[pipeline] [--wait]`. */
  usage: string;
  help: string;
  options: readonly OptionName[];
  maxArgs: number;
  run(context: Context): Promise<number>;
};

export const isRunId = (name: string | undefined): name is string =>
  name?.startsWith('r_') ?? false;
export const numberOf = (name: string, text: string | undefined, fallback: number): number => {
  if (text === undefined) return fallback;
  if (!/^\d{1,15}$/.test(text)) throw new Usage(`--${name} ${text}: expected a whole number`);
  return Number(text);
};
