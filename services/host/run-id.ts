import { randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const encode = (value: bigint, length: number): string => {
  let rest = value;
  let text = '';
  for (let i = 0; i < length; i += 1) {
    text = alphabet[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return text;
};

/**
 * Every run of this instant or later has an id that is not smaller. @param ms epoch milliseconds
 */
export const runIdFloor = (ms: number): string =>
  `r_${encode(BigInt(Math.max(0, Math.trunc(ms))), 10)}${'0'.repeat(16)}`;

/**
 * Run ids: `r_` + ULID, sortable by birth; within one millisecond they count up, so order is never
 * lost (Q17).
 */
export const createRunIds = (wallMs: () => number): (() => string) => {
  let lastMs = 0;
  let lastRandom = 0n;
  return () => {
    const ms = Math.max(wallMs(), lastMs);
    lastRandom = ms === lastMs ? lastRandom + 1n : BigInt(`0x${randomBytes(9).toString('hex')}`);
    lastMs = ms;
    return `r_${encode(BigInt(ms), 10)}${encode(lastRandom, 16)}`;
  };
};
