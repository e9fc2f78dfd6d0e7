/** What a stream tells its readers, and what a tab tells the shared worker. Plain data: it crosses threads. */

export type StreamMessage =
  /** The server answers: frames will follow. */
  | { kind: 'open' }
  /** A complete overview as JSON text. */
  | { kind: 'frame'; data: string }
  /** Nothing changed, and the server is still there. */
  | { kind: 'heartbeat' }
  /** The connection is gone; another attempt follows by itself. */
  | { kind: 'lost' };

export type TabMessage =
  | { kind: 'subscribe'; url: string }
  /** Still here. A closed tab cannot say goodbye reliably, so silence ends a subscription. */
  | { kind: 'present' }
  | { kind: 'unsubscribe' };

/** How often a tab says that it is there. Browsers slow the timers of hidden tabs to one a minute. */
export const presentEverySeconds = 20;
/** Silence after which the worker takes a tab for closed. */
export const absentAfterSeconds = 180;
