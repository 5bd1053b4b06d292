/**
 * A stored chart: JSON and nothing else. Functions are named, never inline, so that it can be read
 * back and revived; which names there are says the type of a chart that is compiled today.
 */
export type ChartConfig = { context: unknown; [key: string]: unknown };
