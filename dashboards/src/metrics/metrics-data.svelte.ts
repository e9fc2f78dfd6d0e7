/** What the page of metrics shows: the catalogue, the readings of now, and the analyses as of when they were computed. */

import { ApiError, fetchAnalyses, fetchMetrics, fetchReadings, type MetricsQuery } from '../api/client';
import type { AnalysesAnswer, MetricInfo, MetricsAnswer } from '../api/types';

/** Between two looks: readings take the server a moment, analyses many. */
const restSeconds = 15;
/** While newer analyses are being computed. */
const newerSeconds = 4;

export class MetricsData {
  catalogue: readonly MetricInfo[] | null = $state.raw(null);
  /** The newest answers or, while `outdated`, those to the question before. */
  metrics: MetricsAnswer | null = $state.raw(null);
  analyses: AnalysesAnswer | null = $state.raw(null);
  /** Why there is no current answer; null while all is well. */
  failure: ApiError | null = $state.raw(null);
  analysesFailure: ApiError | null = $state.raw(null);
  outdated = $state(false);

  private query: MetricsQuery | null = null;
  /** What `analyses` answer. */
  private analysed: MetricsQuery | null = null;
  private request = new AbortController();
  private busy = false;
  private soon: ReturnType<typeof setTimeout> | undefined;
  private readonly timer = setInterval(() => {
    if (document.visibilityState === 'visible') void this.refresh();
  }, restSeconds * 1000);

  /** Asks another question; the former answers stay, marked outdated, until the new ones are here. */
  ask(query: MetricsQuery): void {
    this.query = query;
    this.outdated = this.metrics !== null;
    this.analysesFailure = null;
    this.request.abort();
    clearTimeout(this.soon);
    void this.refresh();
  }

  /** Ends everything; the object is of no use afterwards. */
  close(): void {
    this.request.abort();
    clearInterval(this.timer);
    clearTimeout(this.soon);
  }

  /** Asks again; while an answer is on its way, nothing. */
  async refresh(): Promise<void> {
    const { query } = this;
    if (query === null || (this.busy && !this.request.signal.aborted)) return;
    const { signal } = (this.request = new AbortController());
    this.busy = true;
    await Promise.all([this.readMetrics(query, signal), this.readAnalyses(query, signal)]);
    if (!signal.aborted) this.busy = false;
  }

  private async readMetrics(query: MetricsQuery, signal: AbortSignal): Promise<void> {
    try {
      this.catalogue ??= await fetchMetrics();
      const answer = await fetchReadings(query, signal);
      if (signal.aborted) return;
      this.metrics = answer;
      if (this.analysed !== query) this.analyses = null;
      this.outdated = false;
      this.failure = null;
    } catch (error) {
      if (!signal.aborted) this.failure = known(error);
    }
  }

  private async readAnalyses(query: MetricsQuery, signal: AbortSignal): Promise<void> {
    try {
      const answer = await fetchAnalyses(query, signal);
      if (signal.aborted) return;
      clearTimeout(this.soon);
      if (answer.is_computing) this.soon = setTimeout(() => void this.readAnalyses(query, signal), newerSeconds * 1000);
      this.analyses = answer;
      this.analysed = query;
      this.analysesFailure = null;
    } catch (error) {
      if (!signal.aborted) this.analysesFailure = known(error);
    }
  }
}

function known(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
