/** Where a subscriber starts. */
export interface Start {
  readonly epoch: string;
  readonly offset: number;
  /** What the client sent, if it sent a position. */
  readonly lastEventId?: string | undefined;
  /** Whether what retention has evicted before the start is no gap: the client asked for what there is. */
  readonly fromEarliest?: boolean;
}
