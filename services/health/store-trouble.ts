import { isNoSpace } from '../host/no-space.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Store } from '../store/store.ts';

/**
 * Primary result codes of SQLite that speak of the world, not of a mistake of ours
 * (sqlite.org/rescode.html).
 */
const troubles: Record<number, string> = {
  3: 'may not be opened',
  5: 'is locked by another process',
  6: 'is locked by another process',
  7: 'has no memory left',
  8: 'is read-only',
  10: 'cannot be read or written (I/O error)',
  11: 'is damaged',
  13: 'is full: no space is left on the disk',
  14: 'cannot be opened',
  26: 'is no database any more',
};
/**
 * Commands and answers: for these the reserve on the disk is given away. A mark, a new process or a
 * word of the service itself would only take it from them.
 */
const urgent = [
  'begin',
  'admit',
  'step',
  'removeDrained',
  'acknowledge',
  'markReset',
  'removeRuns',
];
const isUrgent = (name: string, args: unknown[]): boolean =>
  // What an attempt left is noted before its answer.
  urgent.includes(name) ||
  (name === 'note' && (args as Parameters<Store['note']>)[0].runId !== null);
/**
 * What fails is tried again and says when it works; these need space and all that, so they speak
 * for the others.
 */
const proofs = ['begin', 'step', 'note'];

const codeOf = (error: unknown): number | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' && (code & 0xff) in troubles ? code & 0xff : null;
};

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
  const moved = deps.moved ?? (() => null);
  let trouble: string | null = null;
  const failed = new Set<string>();
  type Method = (...args: unknown[]) => Promise<unknown>;

  const watched =
    (name: string, method: Method): Method =>
    async (...args) => {
      // What began before goes on; nothing new is promised to a file that nobody will find.
      const away = name === 'begin' ? moved() : null;
      if (away) throw new ServiceError('store-unavailable', away);
      try {
        const answer = await method(...args).catch((error) => {
          if (!isNoSpace(error) || !deps.makeRoom(isUrgent(name, args))) throw error;
          return method(...args);
        });
        if (failed.has(name) || proofs.includes(name)) {
          trouble = null;
          failed.clear();
        }
        return answer;
      } catch (error) {
        const code = codeOf(error);
        if (code === null) throw error;
        const detail = `the store ${troubles[code]}`;
        trouble = detail;
        failed.add(name);
        throw Object.assign(
          new ServiceError('store-unavailable', `${detail}; try again once this is fixed`),
          { cause: error },
        );
      }
    };

  const store = Object.fromEntries(
    Object.entries(deps.store).map(([name, part]) => [
      name,
      typeof part === 'function' && name !== 'close' ? watched(name, part as Method) : part,
    ]),
  ) as unknown as Store;
  return { store, trouble: () => trouble ?? moved() };
};
