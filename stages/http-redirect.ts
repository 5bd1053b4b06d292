type Policy = 'none' | 'same-host' | 'any';
type Asked = { method: string; url: URL };
/** What is asked next; `isForeign`: of somebody whom the stage has not named. */
export type Redirect = Asked & { keepsBody: boolean; isForeign: boolean };

/** As browsers count (WHATWG Fetch says 20); nobody means more. */
export const mostRedirects = 10;
const statuses = [301, 302, 303, 307, 308];

/**
 * Where an answer leads (RFC 9110, 15.4); null = it is not followed. From https to http counts as
 * another host: what was not to be read on the way would be.
 */
export const redirectOf = (
  policy: Policy,
  asked: Asked,
  answer: { status: number; headers: Record<string, string> },
): Redirect | null => {
  const { location } = answer.headers;
  if (policy === 'none' || location === undefined || !statuses.includes(answer.status)) return null;
  const url = URL.parse(location, asked.url.href);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return null;
  const isLess = asked.url.protocol === 'https:' && url.protocol === 'http:';
  const isForeign = isLess || url.host !== asked.url.host;
  if (isForeign && policy === 'same-host') return null;
  // What every client does although the standard only allows it: after 301 and 302 a POST is a GET.
  const isGet =
    answer.status === 303
      ? asked.method !== 'HEAD'
      : answer.status <= 302 && asked.method === 'POST';
  const method = isGet ? 'GET' : asked.method;
  return { method, url, keepsBody: !isGet, isForeign };
};
