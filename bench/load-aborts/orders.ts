/** What the watched application is told, and what it answers to each. */
export type Order = 'begin' | 'read' | keyof typeof TROUBLES;

/** By the application's own clock, in ms since 1970. */
export interface Reading {
  /** Since it was told to begin. */
  readonly requests: number;
  readonly crossedAt: number | null;
  readonly lastRequestAt: number;
  readonly rssBytes: number;
}

/** The limit of each trouble, in its own unit. */
export const TROUBLES: Readonly<Record<'cpu' | 'delay' | 'memory' | 'connections', { readonly limit: number }>> = {
  cpu: { limit: 0.5 },
  delay: { limit: 200 },
  /** Beyond what it had. */
  memory: { limit: 150 * 1024 * 1024 },
  connections: { limit: 5 },
};
