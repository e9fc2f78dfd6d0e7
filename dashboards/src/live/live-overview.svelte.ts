/** The overview on the page: a snapshot first, then frames; after every gap a snapshot again. */

import type { Overview } from '../api/types';
import { ApiError, fetchOverview, overviewUrl, type OverviewQuery } from '../api/client';
import { answers, isNewer, parseFrame } from './frames';
import type { StreamMessage } from './messages';
import { liveStateOf, type LiveState } from './state';
import { subscribe } from './subscribe';

const snapshotRetrySeconds = 3;

export class LiveOverview {
  /** The newest overview that answers the current question or, while it loads, the one before. */
  overview: Overview | null = $state.raw(null);
  /** Why there is no current snapshot; null while all is well. */
  failure: ApiError | null = $state.raw(null);
  /** True while the page shows the answer to another window or view than the one asked for. */
  outdated = $state(false);
  /** Wall clock in ms, moving once a second: relative times and the live state follow it. */
  now = $state(Date.now());

  private connected = $state(false);
  private lostAt: number | null = $state(null);
  private online = $state(navigator.onLine);
  private query: OverviewQuery | null = null;
  private etag: string | null = null;
  private leave: () => void = () => undefined;
  private request = new AbortController();
  private retry: ReturnType<typeof setTimeout> | undefined;

  private readonly closing = new AbortController();

  constructor() {
    const { signal } = this.closing;
    const clock = setInterval(() => (this.now = Date.now()), 1000);
    signal.addEventListener('abort', () => clearInterval(clock));
    const goOnline = (): void => {
      this.online = true;
      void this.refresh();
    };
    addEventListener('online', goOnline, { signal });
    addEventListener('offline', () => (this.online = false), { signal });
  }

  get state(): LiveState {
    return liveStateOf({
      online: this.online,
      connected: this.connected,
      hasData: this.overview !== null && this.failure?.kind !== 'signed_out',
      failed: this.failure !== null,
      lostSeconds: this.lostAt === null ? 0 : Math.max(1, (this.now - this.lostAt) / 1000),
    });
  }

  /** Asks another question; the former answer stays, marked outdated, until the new one is here. */
  ask(query: OverviewQuery): void {
    this.stop();
    this.query = query;
    this.etag = null;
    this.outdated = this.overview !== null && !answers(this.overview, query);
    void this.refresh();
    this.leave = subscribe(overviewUrl(query, 'stream'), (message) => this.receive(message));
  }

  /** Ends everything; the object is of no use afterwards. */
  close(): void {
    this.stop();
    this.closing.abort();
  }

  private stop(): void {
    this.leave();
    this.leave = () => undefined;
    this.request.abort();
    clearTimeout(this.retry);
    this.connected = false;
    this.lostAt = null;
  }

  /** Fetches a snapshot. Its answer counts even if its commit is lower: a restored server starts again. */
  async refresh(): Promise<void> {
    const { query } = this;
    if (query === null) return;
    this.request.abort();
    clearTimeout(this.retry);
    const { signal } = (this.request = new AbortController());
    const shownBefore = this.overview;
    try {
      const answer = await fetchOverview(query, this.etag, signal);
      if (signal.aborted) return;
      if (answer !== null) {
        const overtaken = this.overview !== shownBefore && !isNewer(answer.overview, this.overview);
        if (!overtaken) this.show(answer.overview);
        this.etag = overtaken ? null : answer.etag;
      }
      this.failure = null;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
      if (error.kind !== 'signed_out') this.retry = setTimeout(() => void this.refresh(), snapshotRetrySeconds * 1000);
    }
  }

  private receive(message: StreamMessage): void {
    const wasLost = this.lostAt !== null;
    if (message.kind === 'lost') {
      this.connected = false;
      this.lostAt ??= Date.now();
      // The stream cannot say why it broke; the snapshot's answer can, "signed out" for one.
      void this.refresh();
      return;
    }
    this.connected = true;
    this.lostAt = null;
    if (wasLost) void this.refresh();
    if (message.kind === 'frame') this.take(message.data);
  }

  private take(text: string): void {
    const frame = parseFrame(text);
    if (frame === null) {
      void this.refresh();
      return;
    }
    if (this.query === null || !answers(frame, this.query) || !isNewer(frame, this.overview)) return;
    this.etag = null;
    this.show(frame);
  }

  private show(overview: Overview): void {
    this.overview = overview;
    this.outdated = false;
    this.failure = null;
  }
}
