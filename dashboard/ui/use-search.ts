import { useCallback } from 'react';
import { useLocation, useSearch } from 'wouter';

/**
 * What the address says behind the `?`, and a way to change some of it. A change replaces: Back
 * leaves the view, not the filter.
 */
export const useSearchState = (): [
  URLSearchParams,
  (change: Record<string, string | null>) => void,
] => {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const set = useCallback(
    (change: Record<string, string | null>) => {
      // Somebody has left for a view that is still being loaded: its address is not ours to change.
      if (location.pathname !== path) return;
      const next = new URLSearchParams(location.search);
      for (const [name, value] of Object.entries(change)) {
        if (value === null || value === '') next.delete(name);
        else next.set(name, value);
      }
      const text = next.toString();
      navigate(text ? `${path}?${text}` : path, { replace: true });
    },
    [path, navigate],
  );
  return [new URLSearchParams(search), set];
};
