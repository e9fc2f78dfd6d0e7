/** One server-sent event stream that repairs itself. Runs in a tab or in the shared worker. */

import type { StreamMessage } from './messages';

/** The server sends a heartbeat every 10 s; two and a half missed ones mean that the connection is dead. */
const silenceSeconds = 25;
/** An attempt that got no answer by then hangs, as one made to a server that is just starting can. */
const openSeconds = 8;
const retrySeconds = [1, 2, 4, 8] as const;

export class StreamConnection {
  private source: EventSource | null = null;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private isOpen = false;

  constructor(
    private readonly url: string,
    private readonly emit: (message: StreamMessage) => void,
  ) {
    this.connect();
  }

  get open(): boolean {
    return this.isOpen;
  }

  close(): void {
    clearTimeout(this.watchdog);
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
    this.isOpen = false;
  }

  private connect(): void {
    const source = new EventSource(this.url);
    this.source = source;
    this.expectSign(openSeconds);
    source.addEventListener('open', () => {
      this.attempts = 0;
      this.isOpen = true;
      this.expectSign();
      this.emit({ kind: 'open' });
    });
    source.addEventListener('overview', (event: MessageEvent<string>) => {
      this.expectSign();
      this.emit({ kind: 'frame', data: event.data });
    });
    source.addEventListener('heartbeat', () => {
      this.expectSign();
      this.emit({ kind: 'heartbeat' });
    });
    source.addEventListener('error', () => this.reconnect());
  }

  private expectSign(withinSeconds = silenceSeconds): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.reconnect(), withinSeconds * 1000);
  }

  /** Replaces the source: the browser's own retry gives up for good on an HTTP error and never notices silence. */
  private reconnect(): void {
    this.close();
    this.emit({ kind: 'lost' });
    const seconds = retrySeconds[Math.min(this.attempts, retrySeconds.length - 1)] ?? 8;
    this.attempts += 1;
    this.retry = setTimeout(() => this.connect(), seconds * 1000);
  }
}
