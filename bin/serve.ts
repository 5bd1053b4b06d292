import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createServer } from '../server/server.ts';
import { channelsToTell } from '../services/host/channel-settings.ts';
import { systemClock } from '../services/host/clock.ts';
import { type Config, notifySettingsOf, readConfig, UsageError } from '../services/host/config.ts';
import { createLogger, type Logger } from '../services/host/logger.ts';
import { StartTrouble, startTroubleOf } from '../services/host/start-trouble.ts';
import { createLauncher } from '../services/launcher/launcher.ts';
import { createProcessTable } from '../services/launcher/process-table.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { createService } from '../services/orchestrator/service.ts';
import type { Parts } from '../services/orchestrator/service-parts.ts';
import { lintLine, lintOf } from '../services/pipelines/lint-pipeline.ts';
import { loadPipelines } from '../services/pipelines/pipelines.ts';
import { factsOfFile } from '../services/scheduler/schedule-facts.ts';
import { nodeCronWaker } from '../services/scheduler/waker.ts';
import { openDataDir } from '../services/sqlite/open-data-dir.ts';
import { ownVersion } from './own-version.ts';
import { listenToSignals } from './stop-signals.ts';

type Env = Record<string, string | undefined>;

/** What stages inherit; everything else of our environment stays with us. */
const inherited = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_COMPILE_CACHE'];
const baseEnvOf = (env: Env): Record<string, string> =>
  Object.fromEntries(
    inherited.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );

/**
 * Beyond the shutdown time, which all that we end keeps by itself: only what hangs takes longer, and
 * a busy machine must not be taken for that, or processes would be left to their launcher.
 */
const patienceMs = 5000;
/** Exit codes of `serve`. */
const exits = { ok: 0, failed: 1, usage: 2, taken: 3, impossible: 6 };

/** Why there is no service: one sentence, and no stack. */
const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);

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
  // What the service writes is for its own user; what its stages write is as open as it always was.
  const stageUmask = process.umask(0o077);
  // Who read our log may go, or have a full disk: the lines are lost then, and nothing else.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const readSettings = () => readConfig(argv, env, (path) => readFileSync(path, 'utf8'));
  let config: Config;
  try {
    config = readSettings();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(error.message);
    return exits.usage;
  }
  const dataDir = resolve(config.data_dir);
  let opened: ReturnType<typeof openDataDir>;
  try {
    opened = openDataDir({
      dataDir,
      pid: process.pid,
      synchronous: config.synchronous,
      isNewStore: config.new_store,
      clock: systemClock,
    });
  } catch (error) {
    if (!(error instanceof StartTrouble)) throw error;
    say(error.message);
    return exits.impossible;
  }
  if ('owner' in opened) {
    const { pid, url } = opened.owner ?? { pid: 'unknown', url: null };
    say(
      `the data directory ${dataDir} is in use by the service with pid ${pid}${url ? ` at ${url}` : ''}: use that one, or name another folder with --data-dir`,
    );
    return exits.taken;
  }
  const { claim, store } = opened;
  const signals = listenToSignals(systemClock);
  const isTerminal = process.stdout.isTTY === true;
  const logger = createLogger({
    level: config.log_level,
    json: !isTerminal,
    stream: process.stderr,
  });
  sayWhyItDies(logger);
  for (const warning of opened.warnings) logger.warn(warning);
  const parts = wrap({
    store,
    launcher: createLauncher({ log: (message) => logger.warn(message), umask: stageUmask }),
    processes: createProcessTable({ clock: systemClock }),
    clock: systemClock,
    logger,
    waker: nodeCronWaker,
  });
  const loaded = await loadPipelines(config.pipelines);
  await sayWhatWasRead(loaded, config, logger);
  let reachedAt: string | null = null;
  const service = createService(parts, {
    dataDir,
    url: () => reachedAt,
    baseEnv: baseEnvOf(env),
    loaded,
    readPipelines: () => loadPipelines(config.pipelines),
    defaultPipeline: config.default_pipeline ?? null,
    shutdownTimeoutMs: config.shutdown_timeout,
    notify: {
      settings: notifySettingsOf(config),
      reread: () => notifySettingsOf(readSettings()),
    },
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
    version: ownVersion(),
    sockets: { maxClients: config.max_clients },
    inspectIn: config.inspect_in,
    // Out of the time that stopping may take altogether.
    farewellMs: Math.min(1000, config.shutdown_timeout / 4),
  });

  const end = async (): Promise<void> => {
    const since = systemClock.monotonicMs();
    // Nothing that hangs (a file system that is gone) keeps the service longer: what is committed
    // is on the disk, and the next start settles the rest as after a crash.
    const cancel = systemClock.after(config.shutdown_timeout + patienceMs, () => {
      logger.error('something did not end in time; the next start settles it');
      process.exit(exits.failed);
    });
    await server.close();
    await service.close(config.shutdown_timeout - (systemClock.monotonicMs() - since));
    cancel();
  };

  try {
    // The port is open early and answers 503 `starting`; state is told only after the truth is
    // settled.
    const { url } = await server.listen();
    claim.publish(url);
    reachedAt = fromHere(url);
    await service.boot();
    signals.onReread(() => {
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
    const trouble = listenTrouble(error, config) ?? startTroubleOf(error, dataDir);
    // Its port is open already, and would keep it for ever.
    await end().catch((later) => logger.error(String(later)));
    claim.release();
    await logger.close();
    if (trouble) say(trouble instanceof StartTrouble ? trouble.message : trouble);
    else say(`the service could not start: ${(error as Error).stack}`);
    return trouble instanceof StartTrouble ? exits.impossible : exits.failed;
  }
  logger.info(`${await signals.told}: the service stops`);
  await end();
  claim.release();
  await logger.close();
  return exits.ok;
};

/** What stands in the files, as far as somebody should hear of it. */
const sayWhatWasRead = async (
  { pipelines, problems }: Awaited<ReturnType<typeof loadPipelines>>,
  config: Config,
  logger: Logger,
): Promise<void> => {
  for (const { file, line, detail } of problems)
    logger.warn(`${file}${line ? `:${line}` : ''}: ${detail}`);
  for (const entry of pipelines.values()) {
    const facts = {
      schedules: await factsOfFile(entry, systemClock.wallMs()),
      shutdownTimeoutMs: config.shutdown_timeout,
      channels: channelsToTell(config.channels),
    };
    for (const finding of lintOf(entry, facts))
      logger[finding.severity === 'info' ? 'info' : 'warn'](lintLine(entry.file, finding));
  }
};

/** Every address of the machine is none to ask at. */
const fromHere = (url: string): string =>
  url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');

/** The address cannot be had. @returns null for any other error */
const listenTrouble = (error: unknown, { host, port }: Config): string | null => {
  const { code, syscall } = error as { code?: string; syscall?: string };
  if (syscall !== 'listen') return null;
  if (code === 'EADDRINUSE')
    return `port ${port} is in use: choose another with --port, or 0 for a free one`;
  if (code === 'EACCES')
    return `port ${port} is not for this user: choose one above 1023 with --port`;
  return `${host} cannot be listened on (${code}): choose another address with --host`;
};

/** `--start`: a run that is refused (one may be live, and goes on) is no reason not to serve. */
const startFirst = async (
  orchestrator: Orchestrator,
  pipeline: string,
  logger: Logger,
): Promise<void> => {
  // After a crash the run that was live goes on by itself; another beside it was not asked for.
  const { items } = await orchestrator.pipelines();
  const live = items.find(
    ({ status: { run_id, ended_at } }) => run_id !== null && ended_at === null,
  );
  if (live) {
    logger.info(`${pipeline} is not started: run ${live.status.number} of ${live.name} goes on`);
    return;
  }
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
