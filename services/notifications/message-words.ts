import { withoutControls } from '../../definition/free-text.ts';
import type { Message, Parcel } from './message.ts';

const maxSubject = 120;
/** So many of a digest are told in words; the page has them all. */
const maxListed = 25;
const maxTailLines = 15;

const oneLine = (text: string): string => withoutControls(text).replaceAll(/\s+/g, ' ').trim();
const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;
/** `2026-11-26T03:00:00.000Z` as people read it. */
const when = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** The view of the dashboard; null where nobody said how it is reached from outside. */
export const linkOf = (path: string, base: string | null): string | null =>
  base === null ? null : `${base.replace(/\/+$/, '')}${path}`;

/** `7 failed, 2 late`, the most frequent first. */
const causesOf = (messages: readonly Message[]): string => {
  const counts = [...Map.groupBy(messages, ({ cause }) => cause)]
    .map(([cause, same]) => ({ cause, count: same.length }))
    .sort((a, b) => b.count - a.count);
  return counts.map(({ cause, count }) => `${count} ${cause}`).join(', ');
};

export const subjectOf = ({ messages }: Parcel): string => {
  const [first, ...more] = messages;
  if (!first) return '';
  const again = first.told_before === undefined ? '' : 'still: ';
  return cut(
    more.length === 0
      ? oneLine(`${again}${first.subject}`)
      : oneLine(`${messages.length} notifications: ${causesOf(messages)}`),
    maxSubject,
  );
};

const tailOf = (text: string): string[] =>
  withoutControls(text).trimEnd().split('\n').slice(-maxTailLines);

const factsOf = (message: Message): [string, string][] => {
  const { stage, code, not_again, since, failures, last_success, at, told_before } = message;
  const facts: [string, string | null][] = [
    ['What', stage === null ? code : `${stage}${code === null ? '' : ` (${code})`}`],
    ['Not tried again', not_again],
    ['When', when(at)],
    [
      'Since',
      since === null
        ? null
        : `${when(since)}${(failures ?? 0) > 1 ? `, ${plural(failures ?? 0, 'failed run')} in a row` : ''}`,
    ],
    [
      'Last success',
      last_success
        ? `run ${last_success.number}, ${when(last_success.at)}`
        : message.cause === 'failed'
          ? 'none yet'
          : null,
    ],
    ['Told before', told_before === undefined ? null : plural(told_before, 'time')],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, oneLine(value)]]));
};

/** One message, whole: what happened first, then what to do. */
const whole = (message: Message, base: string | null): string[] => {
  const facts = factsOf(message);
  const width = Math.max(0, ...facts.map(([name]) => name.length)) + 2;
  const link = linkOf(message.path, base);
  return [
    cut(oneLine(message.text), 1000),
    '',
    ...facts.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}`),
    ...(message.stderr_tail
      ? [
          '',
          'The last lines of stderr:',
          ...tailOf(message.stderr_tail).map((line) => `    ${line}`),
        ]
      : []),
    ...(link === null && message.command === null ? [] : ['']),
    ...(link === null ? [] : [`See:  ${oneLine(link)}`]),
    ...(message.command === null ? [] : [`Do:   ${oneLine(message.command)}`]),
  ];
};

const listed = (message: Message, base: string | null): string[] => {
  const link = linkOf(message.path, base);
  return [
    `- ${cut(oneLine(message.subject), maxSubject)}, ${when(message.at)}`,
    `  ${cut(oneLine(message.text), 300)}`,
    ...(link === null ? [] : [`  ${link}`]),
  ];
};

/** As text that is readable as it stands, in a mail and on a phone. */
export const textOf = ({ messages }: Parcel, base: string | null): string => {
  const [first, ...more] = messages;
  if (!first) return '';
  if (more.length === 0) return whole(first, base).join('\n');
  const left = messages.length - maxListed;
  const page = linkOf('/notifications', base);
  return [
    `${plural(messages.length, 'message')}: ${causesOf(messages)}.`,
    '',
    ...messages.slice(0, maxListed).flatMap((message) => listed(message, base)),
    ...(left > 0 ? [`and ${left} more`] : []),
    ...(page === null ? [] : ['', `See:  ${page}`]),
  ].join('\n');
};

/** So many of a digest go to a machine; it is told how many more there are. */
const maxForMachines = 100;

/** For machines: one message as it is, or a digest that holds them. */
export const payloadOf = ({ id, at, messages }: Parcel, base: string | null) => {
  const shown = messages.map((message) => ({ ...message, link: linkOf(message.path, base) }));
  const timestamp = new Date(at).toISOString();
  const [first, ...more] = shown;
  if (first && more.length === 0)
    return { id, type: first.cause as string, timestamp, data: first };
  const data = {
    count: shown.length,
    summary: causesOf(messages),
    notifications: shown.slice(0, maxForMachines),
    more: Math.max(0, shown.length - maxForMachines),
  };
  return { id, type: 'digest', timestamp, data };
};
