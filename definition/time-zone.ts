import { z } from 'zod';

/** An IANA time zone that this machine knows. */
export const zoneSchema = z.string().refine(
  (zone) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone });
      return true;
    } catch {
      return false;
    }
  },
  { error: 'expected a time zone such as UTC or America/Chicago' },
);
