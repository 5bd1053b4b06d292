import { type ScheduleFile, scheduleOf } from '../../definition/schedule.ts';
import { planOf } from '../../services/calendar/planner.ts';

type Row = { cron: string; fields: ScheduleFile };
const gap: Row[] = [
  { cron: '15 2 * * *', fields: {} },
  { cron: '15 2 * * *', fields: { dst_gap: 'skip' } },
  { cron: '*/30 * * * *', fields: {} },
];
const fold: Row[] = [
  { cron: '45 1 * * *', fields: {} },
  { cron: '45 1 * * *', fields: { dst_fold: 'twice' } },
  { cron: '*/30 * * * *', fields: {} },
  { cron: '*/30 * * * *', fields: { dst_fold: 'once' } },
];
const days = [
  {
    zone: 'America/Chicago',
    what: 'an hour is left out',
    rows: gap,
    from: '2027-03-14T06:00Z',
    to: '2027-03-14T10:00Z',
  },
  {
    zone: 'America/Chicago',
    what: 'an hour comes twice',
    rows: fold,
    from: '2027-11-07T05:00Z',
    to: '2027-11-07T09:00Z',
  },
  {
    zone: 'Australia/Lord_Howe',
    what: 'half an hour is left out',
    rows: gap,
    from: '2027-10-02T14:00Z',
    to: '2027-10-02T17:30Z',
  },
  {
    zone: 'Australia/Lord_Howe',
    what: 'half an hour comes twice',
    rows: fold,
    from: '2027-04-03T13:30Z',
    to: '2027-04-03T16:30Z',
  },
];

/**
 * The table of docs/scheduling.md: what fires on the days on which clocks change, by the planner
 * itself.
 */
const dstTable = (): string =>
  [
    '| zone, day | schedule | fires at (local time and its distance from UTC) |',
    '|---|---|---|',
    ...days.flatMap(({ zone, what, rows, from, to }) =>
      rows.map(({ cron, fields }) => {
        const slots = planOf('table', scheduleOf({ cron, ...fields }, zone)).between(
          Date.parse(from) - 1,
          Date.parse(to) - 1,
          100,
        );
        const fires = slots.map(
          ({ local, skip }) => `${local.slice(11, 16)}${local.slice(19)}${skip ? ' left out' : ''}`,
        );
        const policy = Object.entries(fields).map(([field, value]) => `, ${field}: ${value}`);
        return `| ${zone}, ${slots[0]?.local.slice(0, 10) ?? from.slice(0, 10)}: ${what} | \`${cron}\`${policy.join('')} | ${fires.join(', ') || 'never'} |`;
      }),
    ),
  ].join('\n');

const [begin, end] = ['<!-- dst-table: npm run generate -->\n', '\n<!-- /dst-table -->'];
export const withDstTable = (text: string): string => {
  const [before, rest = ''] = text.split(begin);
  return `${before}${begin}${dstTable()}${end}${rest.split(end)[1] ?? ''}`;
};
