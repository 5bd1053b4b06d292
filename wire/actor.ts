/** Who asks: shown in the ledger and in events. */
export type Actor = { kind: 'user' | 'system'; name: string };
