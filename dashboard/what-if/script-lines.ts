import type { Operations } from '../../client/operations.ts';

type Asked = Operations['POST /api/pipelines/{name}/simulate'];
export type Simulation = Asked['answer'];
export type Story = Simulation['story'];
export type Happening = NonNullable<Asked['body']['script']>[number];

/** What may happen to a stage, and what the number beside it says; null where there is none. */
export const lineKinds = {
  fail: { label: 'fails', unit: 'times' },
  hang: { label: 'never ends', unit: 'times' },
  skip: { label: 'has nothing to do', unit: null },
  takes: { label: 'takes', unit: 'seconds' },
  deaf: { label: 'hears no SIGTERM', unit: null },
  late: { label: 'answers too late', unit: null },
  stop: { label: 'somebody stops it', unit: 'in attempt' },
  crash: { label: 'the service crashes', unit: 'in attempt' },
  reboot: { label: 'the machine reboots', unit: 'in attempt' },
} as const;
export type LineKind = keyof typeof lineKinds;
export const kindsOfLine = Object.keys(lineKinds) as LineKind[];

/** A line as it is written: one thing that happens to one stage. */
export type Line = { id: number; what: LineKind; stage: string; count: number };

export const happeningOf = ({ what, stage, count }: Line): Happening => {
  switch (what) {
    case 'fail':
    case 'hang':
      return { what, stage, times: count };
    case 'takes':
      return { what, stage, ms: count * 1000 };
    case 'stop':
    case 'crash':
    case 'reboot':
      return { what, stage, attempt: count };
    default:
      return { what, stage };
  }
};

/** The question that everybody asks first: it fails twice, and then the machine goes down. */
export const firstLines = (stages: readonly string[]): Line[] => {
  const [first = '', last = first] = [stages[Math.min(1, stages.length - 1)], stages.at(-1)];
  return [
    { id: 1, what: 'fail', stage: first, count: 2 },
    { id: 2, what: 'reboot', stage: last, count: 1 },
  ];
};
