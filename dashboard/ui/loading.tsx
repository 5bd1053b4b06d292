/**
 * Appears after a moment only (CSS), so that a quick answer does not flicker; never over data that
 * is there.
 */
export const Loading = ({ what }: { what: string }) => (
  <p className="loading" role="status">
    Reading {what}…
  </p>
);
