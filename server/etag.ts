import { createHash } from 'node:crypto';
import { ServiceError, type ServiceErrorCode } from '../services/host/service-error.ts';

/** Ten letters that differ when what is shown differs. */
export const digestOf = (shown: unknown): string =>
  createHash('sha256').update(JSON.stringify(shown)).digest('base64url').slice(0, 10);

/**
 * `W/"version.…"`: what follows the version changes with all that is shown and is no transition,
 * such as progress, so that nobody is told 304 while it moves. Weak: it stands for facts, not for
 * bytes.
 */
export const etagOf = (version: number, ...more: (string | number)[]): string =>
  `W/"${[version, ...more].join('.')}"`;

const entityTags = /^\s*(?:(?:W\/)?"[\x21\x23-\x7e]*"\s*(?:,\s*|$))+$/;
/** The versions that an If-Match names; a tag that is none of ours names none. */
const versionsIn = (header: string): number[] | null => {
  if (/^\d{1,15}$/.test(header)) return [Number(header)];
  if (!entityTags.test(header)) return null;
  return [...header.matchAll(/"(\d{1,15})(?:\.[^"]*)?"/g)].map(([, version]) => Number(version));
};

/**
 * The version that If-Match asks for, given as `"7"` or as a whole ETag; only the version counts.
 * Null when any will do. Of several the one that holds now.
 * @throws ServiceError bad-parameter when it is no list of tags, `moved` when none of them can hold
 */
export const versionAsked = async (
  header: string | undefined,
  moved: ServiceErrorCode,
  current: () => Promise<number>,
): Promise<number | null> => {
  if (header === undefined || header.trim() === '*') return null;
  const versions = header.length > 1000 ? null : versionsIn(header);
  if (versions === null)
    throw new ServiceError('bad-parameter', 'If-Match: expected a version such as "7", or an ETag');
  if (versions.length === 1) return versions[0] as number;
  const version = await current();
  if (versions.includes(version)) return version;
  throw new ServiceError(moved, `it is at version ${version}, which If-Match does not name`, {
    extra: { version },
  });
};
