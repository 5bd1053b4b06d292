/**
 * The world is in the way of the store, not a mistake of ours: somebody else holds it, there is no
 * room, or it cannot be used at all.
 */
export class StoreTrouble extends Error {
  readonly kind: 'busy' | 'full' | 'unavailable';
  /** @param detail completes "the store …" */
  constructor(kind: StoreTrouble['kind'], detail: string, cause?: unknown) {
    super(`the store ${detail}`, { cause });
    this.name = 'StoreTrouble';
    this.kind = kind;
  }
}
