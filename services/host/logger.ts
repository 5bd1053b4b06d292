import { once } from 'node:events';
import { createLogger as createWinston, format, transports } from 'winston';

type Meta = Record<string, unknown>;
/** What a part of the service is given to say what went wrong: a sentence, and what it is about. */
export type Log = (message: string, meta: Meta) => void;
export type Logger = {
  debug(message: string, meta?: Meta): void;
  info(message: string, meta?: Meta): void;
  warn(message: string, meta?: Meta): void;
  error(message: string, meta?: Meta): void;
  /** Resolves when every line is out: nothing is lost at exit. */
  close(): Promise<void>;
};
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

const readable = format.printf(({ level, message, timestamp, ...meta }) => {
  const { run_id, error, stack } = meta as { run_id?: string; error?: string; stack?: string };
  const more = [error, stack].filter(Boolean).join('\n');
  return `${timestamp} ${level.toUpperCase().padEnd(5)} ${run_id ? `${run_id} ` : ''}${message}${more ? ` (${more})` : ''}`;
});

/** The service's own log: one line each, for people on a terminal and as JSON everywhere else. */
export const createLogger = (options: {
  level: (typeof logLevels)[number];
  json: boolean;
  stream: NodeJS.WritableStream;
}): Logger => {
  const logger = createWinston({
    level: options.level,
    format: format.combine(format.timestamp(), options.json ? format.json() : readable),
    transports: [new transports.Stream({ stream: options.stream })],
  });
  return {
    debug: (message, meta = {}) => void logger.debug(message, meta),
    info: (message, meta = {}) => void logger.info(message, meta),
    warn: (message, meta = {}) => void logger.warn(message, meta),
    error: (message, meta = {}) => void logger.error(message, meta),
    close: async () => {
      const finished = once(logger, 'finish');
      logger.end();
      await finished;
    },
  };
};
