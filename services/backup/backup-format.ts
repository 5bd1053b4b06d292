import { z } from 'zod';

/** The first entry: whose file this is, and what room it needs. */
export const headName = 'stagewright-backup.json';
/** The last entry: without it the file was cut off. */
export const manifestName = 'manifest.json';

export const headSchema = z.object({
  format: z.literal(1),
  /** Of the Stagewright that wrote it. */
  version: z.string(),
  schema: z.int(),
  /** The instant of the store. */
  at: z.iso.datetime(),
  runs: z.int(),
  live: z.int(),
  workspaces: z.boolean(),
  /** Of everything, unpacked, as it was seen before; what is written meanwhile may be more. */
  bytes: z.int(),
});
export type BackupHead = z.infer<typeof headSchema>;

const fileSchema = z.object({ path: z.string(), bytes: z.int(), sha256: z.string() });
export const manifestSchema = z.object({
  files: z.array(fileSchema),
  /** Files that nobody could read, with the reason. */
  left_out: z.array(z.object({ path: z.string(), why: z.string() })),
});
export type BackupManifest = z.infer<typeof manifestSchema>;
