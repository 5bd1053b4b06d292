import type { Refused } from './start-request.ts';

export type Checked<T> = { kind: 'checked'; value: T } | Refused;
export const checked = <T>(value: T): Checked<T> => ({ kind: 'checked', value });
export const refused = (
  obstacle: Refused['obstacle'],
  code: Refused['code'],
  why: string,
  more: Refused['more'] = {},
): Refused => ({ kind: 'refused', obstacle, code, why, more });
