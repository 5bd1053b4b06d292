import { useQuery } from '@tanstack/react-query';

export type Describe = (cron: string) => string;
const hours = 24;
const sixty = 60;
/** Times and nothing else, such as `At 06:00 and 18:00`. */
const daily = /^At \d\d:\d\d(:\d\d)?((,| and|, and) \d\d:\d\d(:\d\d)?)*$/;

/**
 * Every 45th minute is 0 and 45, and then 0 again: "every 45 minutes" would be false. Such steps
 * are written out as the list they are.
 * @returns the field as it was where the step goes round evenly
 */
const evenly = (field: string, size: number): string => {
  const step = Number(/^(?:\*|0)\/(\d+)$/.exec(field)?.[1] ?? 1);
  if (step < 1 || step > size || size % step === 0) return field;
  return Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step).join(',');
};

/**
 * A pattern in words, as it fires; null when there are none that are true. @param describe throws
 * on what it does not know
 */
export const cronInWords = (cron: string, describe: Describe): string | null => {
  const fields = cron.trim().split(/\s+/);
  const fromDay = fields.length - 3;
  const even = fields
    .map((field, index) =>
      index < fromDay ? evenly(field, index === fromDay - 1 ? hours : sixty) : field,
    )
    .join(' ');
  try {
    // Steps of days begin anew with every month.
    return describe(even)
      .replace(daily, '$&, every day')
      .replace(' in a month', ', counted from the 1st of each month');
  } catch {
    return null;
  }
};

const load = async (): Promise<Describe> => {
  const { default: cronstrue } = await import('cronstrue');
  return (cron) => cronstrue.toString(cron, { use24HourTimeFormat: true });
};

/** The same, once the words have come: they are no part of the first load. */
export const useCronWords = (cron: string | null): string | null => {
  const { data } = useQuery({
    queryKey: ['cron-words'],
    queryFn: async () => ({ describe: await load() }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return cron !== null && data ? cronInWords(cron, data.describe) : null;
};
