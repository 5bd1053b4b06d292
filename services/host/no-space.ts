/** Whether a write failed because the disk is full: SQLITE_FULL (13) or ENOSPC, also as a cause. */
export const isNoSpace = (error: unknown): boolean => {
  const { code, kind, errcode, cause } = (error ?? {}) as Record<string, unknown>;
  if (code === 'ENOSPC' || kind === 'full') return true;
  if (typeof errcode === 'number' && (errcode & 0xff) === 13) return true;
  return cause !== undefined && isNoSpace(cause);
};
