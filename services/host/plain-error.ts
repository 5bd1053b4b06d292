/**
 * An error in words that may be shown to anybody: what the system refused, without the path it was
 * about.
 */
export const plainError = (error: unknown): string => {
  const { code, syscall, message } = (error ?? {}) as {
    code?: string;
    syscall?: string;
    message?: string;
  };
  return syscall ? `${syscall} failed (${code})` : (message ?? String(error));
};
