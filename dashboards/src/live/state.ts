/** The honest answers to "can I trust that this is now?". */

export type LiveState = 'loading' | 'live' | 'reconnecting' | 'stale' | 'offline' | 'unavailable';

/** A connection lost for longer than this leaves figures that must be called old. */
export const staleAfterSeconds = 10;

export interface Signs {
  /** The browser says that it has a network. */
  online: boolean;
  /** The stream is open and was heard within its heartbeat. */
  connected: boolean;
  /** A snapshot is on the page. */
  hasData: boolean;
  /** The server refused or failed to give one. */
  failed: boolean;
  /** Seconds since the stream was lost; 0 while connected. */
  lostSeconds: number;
}

export function liveStateOf({ online, connected, hasData, failed, lostSeconds }: Signs): LiveState {
  if (!online) return 'offline';
  if (failed && !hasData) return 'unavailable';
  if (connected) return hasData ? 'live' : 'loading';
  if (lostSeconds >= staleAfterSeconds) return 'stale';
  return hasData && lostSeconds > 0 ? 'reconnecting' : 'loading';
}
