const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/**
 * Values by name that together stay below so many bytes as JSON. Each value is measured once, when
 * it comes, so ever more of them cost no more than their own size.
 */
export const boundedRecord = <T>(maxBytes: number) => {
  const values = new Map<string, { value: T; bytes: number }>();
  // The braces.
  let total = 2;
  return {
    /** All of them, or none when they do not fit any more. @returns whether they fitted */
    add: (more: Record<string, T>): boolean => {
      const sized = Object.entries(more).map(([name, value]) => {
        const known = values.get(name);
        // A colon and a comma.
        const bytes = bytesOf(name) + bytesOf(value) + 2;
        return { name, value, bytes, grows: bytes - (known?.bytes ?? 0) };
      });
      const sum = sized.reduce((all, { grows }) => all + grows, total);
      if (sum > maxBytes + 1) return false;
      total = sum;
      for (const { name, value, bytes } of sized) values.set(name, { value, bytes });
      return true;
    },
    get: (): Record<string, T> =>
      Object.fromEntries([...values].map(([name, { value }]) => [name, value])),
  };
};
