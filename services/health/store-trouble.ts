import { isNoSpace } from '../host/no-space.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Store } from '../store/store.ts';
import { StoreTrouble } from '../store/trouble.ts';

/**
 * What fails is tried again and says when it works; these need space and all that, so they speak
 * for the others.
 */
const proofs = ['begin', 'step', 'note'];

type Over = <A extends unknown[], R>(
  name: string,
  method: (...args: A) => Promise<R>,
) => (...args: A) => Promise<R>;
/** These take no reserve: what is told was written with its cause, and a mark can wait. */
const outboxOver = (over: Over, store: Store) => ({
  deadlineMark: over('deadlineMark', store.deadlineMark),
  passDeadline: over('passDeadline', store.passDeadline),
  claimMessages: over('claimMessages', store.claimMessages),
  settleMessages: over('settleMessages', store.settleMessages),
  addMessages: over('addMessages', store.addMessages),
  retryMessage: over('retryMessage', store.retryMessage),
  messages: over('messages', store.messages),
  channelStates: over('channelStates', store.channelStates),
  nextMessageAt: over('nextMessageAt', store.nextMessageAt),
  troubles: over('troubles', store.troubles),
});

/**
 * The store with its trouble made visible: callers get 503 with the cause instead of a bug, health
 * knows since when, and a full disk is given its reserve and one more try (T4).
 */
export const watchStore = (deps: {
  store: Store;
  makeRoom: (isUrgent: boolean) => boolean;
  /** The file we write to is not where the next service looks for it: said in one sentence. */
  moved?: () => string | null;
}) => {
  const { store } = deps;
  const moved = deps.moved ?? (() => null);
  let trouble: string | null = null;
  const failed = new Set<string>();

  const failure = (name: string, error: unknown): unknown => {
    if (!(error instanceof StoreTrouble)) return error;
    trouble = error.message;
    failed.add(name);
    const detail = `${error.message}; ask again when that is mended`;
    return Object.assign(new ServiceError('store-unavailable', detail), { cause: error });
  };
  /**
   * @param isUrgent commands and answers: for these the reserve on the disk is given away. A mark, a
   * new process or a word of the service itself would only take it from them.
   */
  const over =
    <A extends unknown[], R>(
      name: string,
      method: (...args: A) => Promise<R>,
      isUrgent: (...args: A) => boolean = () => false,
    ) =>
    async (...args: A): Promise<R> => {
      try {
        const answer = await method(...args).catch((error) => {
          if (!isNoSpace(error) || !deps.makeRoom(isUrgent(...args))) throw error;
          return method(...args);
        });
        if (failed.has(name) || proofs.includes(name)) {
          trouble = null;
          failed.clear();
        }
        return answer;
      } catch (error) {
        throw failure(name, error);
      }
    };
  const always = () => true;
  const begin = over('begin', store.begin, always);

  const watched: Store = {
    ...store,
    ...outboxOver(over, store),
    // What began before goes on; nothing new is promised to a file that nobody will find.
    begin: async (...args) => {
      const away = moved();
      if (away) throw new ServiceError('store-unavailable', away);
      return begin(...args);
    },
    admit: over('admit', store.admit, always),
    step: over('step', store.step, always),
    amend: over('amend', store.amend, (changes) => changes.some(({ isUrgent }) => isUrgent)),
    amendPipeline: over('amendPipeline', store.amendPipeline, always),
    run: over('run', store.run),
    runs: over('runs', store.runs),
    latest: over('latest', store.latest),
    effects: over('effects', store.effects),
    timers: over('timers', store.timers),
    queue: over('queue', store.queue),
    chart: over('chart', store.chart),
    // What an attempt left is noted before its answer.
    note: over('note', store.note, ({ runId }) => runId !== null),
    journal: over('journal', store.journal),
    ledger: over('ledger', store.ledger),
    snapshotRead: over('snapshotRead', store.snapshotRead),
    meta: over('meta', store.meta),
    setMeta: over('setMeta', store.setMeta),
    schedules: over('schedules', store.schedules),
    saveSchedule: over('saveSchedule', store.saveSchedule),
    decideSlots: over('decideSlots', store.decideSlots),
    slots: over('slots', store.slots),
    saveBackfill: over('saveBackfill', store.saveBackfill),
    backfills: over('backfills', store.backfills),
    retentionTotals: over('retentionTotals', store.retentionTotals),
    endedRuns: over('endedRuns', store.endedRuns),
    removeRuns: over('removeRuns', store.removeRuns, always),
    prune: over('prune', store.prune),
    removedRuns: over('removedRuns', store.removedRuns),
    giveBack: over('giveBack', store.giveBack),
    unknownRuns: over('unknownRuns', store.unknownRuns),
    figures: over('figures', store.figures),
    checkpoint: over('checkpoint', store.checkpoint),
  };
  return { store: watched, trouble: () => trouble ?? moved() };
};
