const prefix = '::stagewright ';
type Facts = Record<string, unknown>;

const pairs = (facts: Facts): string =>
  Object.entries(facts)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    .join(', ');
const progressWords = ({ done, total, unit, note }: Facts): string => {
  const figures = total === undefined ? `${done}` : `${done} of ${total}`;
  return [`progress ${figures}${unit ? ` ${unit}` : ''}`, note].filter(Boolean).join(': ');
};
const words: Record<string, (value: unknown) => string> = {
  progress: (value) => progressWords(value as Facts),
  metric: (value) => `metric ${pairs(value as Facts)}`,
  output: (value) => `output ${pairs(value as Facts)}`,
  skip: (value) => `skipped: ${value}`,
  partial: (value) => `done in part: ${value}`,
  fail: (value) => `failed ${(value as Facts)['code']}: ${(value as Facts)['message']}`,
  heartbeat: () => 'heartbeat',
};

/** What a line says to the service rather than to people, in words; null for any other line. */
export const protocolWords = (line: string): string | null => {
  if (!line.startsWith(prefix)) return null;
  try {
    const said = Object.entries(JSON.parse(line.slice(prefix.length)) as Facts);
    const known = said.map(([key, value]) => words[key]?.(value));
    return known.length > 0 && known.every(Boolean) ? known.join('; ') : null;
  } catch {
    // Malformed: shown as it is, which is what its author has to see.
    return null;
  }
};
