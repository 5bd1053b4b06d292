import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../services/clock.ts';
import { type Config, readConfig, UsageError } from '../services/config.ts';
import { createLauncher } from '../services/launcher/launcher.ts';
import { createProcessTable } from '../services/launcher/process-table.ts';
import { createLogger, type Logger } from '../services/logger.ts';
import type { Orchestrator } from '../services/orchestrator-port.ts';
import { lintLine, lintOf } from '../services/pipelines/lint.ts';
import { loadPipelines } from '../services/pipelines/pipelines.ts';
import { intervalOfFile } from '../services/scheduler/interval.ts';
import { nodeCronWaker } from '../services/scheduler/waker.ts';
import { createService, type Parts } from '../services/service.ts';
import { claimDataDir } from '../services/sqlite/owner.ts';
import { openSqliteStore } from '../services/sqlite/sqlite-store.ts';
import { createServer } from './server.ts';

type Env = Record<string, string | undefined>;
const version = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

/** What stages inherit; everything else of our environment stays with us. */
const inherited = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_COMPILE_CACHE'];
const baseEnvOf = (env: Env): Record<string, string> =>
  Object.fromEntries(
    inherited.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );

/** Exit codes of `serve`. */
const exits = { ok: 0, usage: 2, taken: 3, failed: 1 };

/**
 * The composition root: puts the real parts together, serves until it is told to stop, and returns
 * the exit code.
 * @param wrap lets a crash test put itself between the parts
 */
export const serve = async (
  argv: string[],
  env: Env,
  wrap: (parts: Parts) => Parts = (parts) => parts,
): Promise<number> => {
  let config: Config;
  try {
    config = readConfig(argv, env, (path) => readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exits.usage;
  }
  const dataDir = resolve(config.data_dir);
  const claimed = claimDataDir(dataDir, process.pid);
  if ('owner' in claimed) {
    const { pid, url } = claimed.owner ?? { pid: 'unknown', url: null };
    process.stderr.write(
      `the data directory is in use by the service with pid ${pid}${url ? ` at ${url}` : ''}\n`,
    );
    return exits.taken;
  }
  const isTerminal = process.stdout.isTTY === true;
  const logger = createLogger({
    level: config.log_level,
    json: !isTerminal,
    stream: process.stderr,
  });
  sayWhyItDies(logger);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const parts = wrap({
    store: openSqliteStore({
      path: join(dataDir, 'stagewright.sqlite'),
      synchronous: config.synchronous,
      clock: systemClock,
    }),
    launcher: createLauncher({ log: (message) => logger.warn(message) }),
    processes: createProcessTable({ sleep: systemClock.sleep }),
    clock: systemClock,
    logger,
    waker: nodeCronWaker,
  });
  const loaded = await loadPipelines(config.pipelines);
  for (const { file, line, detail } of loaded.problems)
    logger.warn(`${file}${line ? `:${line}` : ''}: ${detail}`);
  for (const entry of loaded.pipelines.values()) {
    const facts = {
      intervalMs: intervalOfFile(entry, systemClock.wallMs()),
      shutdownTimeoutMs: config.shutdown_timeout,
    };
    for (const finding of lintOf(entry, facts))
      logger[finding.severity === 'info' ? 'info' : 'warn'](lintLine(entry.file, finding));
  }
  const service = createService(parts, {
    dataDir,
    baseEnv: baseEnvOf(env),
    loaded,
    readPipelines: () => loadPipelines(config.pipelines),
    defaultPipeline: config.default_pipeline ?? null,
    shutdownTimeoutMs: config.shutdown_timeout,
    secretsFrom: { env, readFile: (path) => readFileSync(path, 'utf8') },
    watchdogIntervalMs: config.watchdog_interval,
    disk: { minFreeBytes: config.min_free_disk, ballastBytes: config.ballast },
    retention: {
      ageMs: config.retention_age,
      runs: config.retention_runs,
      bytes: config.retention_size,
    },
  });
  const server = createServer({
    orchestrator: service.orchestrator,
    clock: systemClock,
    logger,
    host: config.host,
    port: config.port,
    allowedHosts: config.allowed_hosts,
    allowedOrigins: config.allowed_origins,
    version,
    sockets: { maxClients: config.max_clients },
  });

  const told = untilTold();
  try {
    // The port is open early and answers 503 `starting`; state is told only after the truth is
    // settled.
    const { url } = await server.listen();
    claimed.claim.publish(url);
    await service.boot();
    process.on('SIGHUP', () => {
      service.orchestrator
        .reload({ kind: 'system', name: 'SIGHUP' })
        .then(({ problems }) => {
          for (const { file, line, detail } of problems)
            logger.warn(`${file}${line ? `:${line}` : ''}: ${detail}`);
        })
        .catch((error) =>
          logger.error(`the pipeline files could not be read again: ${error.message}`),
        );
    });
    if (config.start !== undefined) await startFirst(service.orchestrator, config.start, logger);
    process.stdout.write(
      isTerminal
        ? `Stagewright is ready at ${url}\n`
        : `${JSON.stringify({ event: 'listening', url })}\n`,
    );
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const busy =
      code === 'EADDRINUSE'
        ? `port ${config.port} is in use; choose another with --port, or 0 for a free one`
        : null;
    logger.error(busy ?? `the service could not start: ${message}`);
    await service.close();
    await logger.close();
    return exits.failed;
  }
  logger.info(`${await told}: the service stops`);
  await server.close();
  await service.close();
  claimed.claim.release();
  await logger.close();
  return exits.ok;
};

/** `--start`: a run that is refused (one may be live, and goes on) is no reason not to serve. */
const startFirst = async (
  orchestrator: Orchestrator,
  pipeline: string,
  logger: Logger,
): Promise<void> => {
  const actor = { kind: 'system' as const, name: 'serve --start' };
  const rest = {
    params: {},
    trigger: 'manual' as const,
    reason: null,
    onlyStage: null,
    onConflict: null,
    idempotency: null,
  };
  await orchestrator
    .start({ pipeline, actor, ...rest })
    .catch((error) => logger.warn(`${pipeline} was not started: ${error.message}`));
};

/**
 * A defect of ours that nobody caught. What is in memory cannot be trusted any more, and what counts
 * is in the store: the service says why and dies; the launcher ends what works, and the next start
 * goes on.
 */
const sayWhyItDies = (logger: Logger): void => {
  process.once('uncaughtException', (error: unknown, origin) => {
    const { message, stack } = (error ?? {}) as { message?: string; stack?: string };
    logger.error(
      `a defect ends the service (${message ?? String(error)}); runs go on with its next start`,
      { origin, stack },
    );
    void logger.close().finally(() => process.exit(exits.failed));
  });
};

/** The first SIGINT or SIGTERM ends the service in order; a second one ends it at once. */
const untilTold = (): Promise<string> => {
  const told = Promise.withResolvers<string>();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    let times = 0;
    process.on(name, () => {
      times += 1;
      if (times > 1) process.exit(130);
      told.resolve(name);
    });
  }
  return told.promise;
};
