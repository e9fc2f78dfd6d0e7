/** Reads the REST API: one function per resource, one error class for everything that can go wrong. */

import type {
  AnalysesAnswer,
  EcosystemInfo,
  MetricInfo,
  MetricsAnswer,
  NotMeasured,
  Overview,
  Session,
  WindowName,
  Zoom,
} from './types';

/** Why a request gave no answer. The page shows each differently, never as "empty". */
export type FailureKind = 'signed_out' | 'not_found' | 'not_measured' | 'unreachable' | 'refused';

export class ApiError extends Error {
  readonly kind: FailureKind;
  readonly detail: string;
  /** With "not_measured": from when on everything is, as the API writes times. */
  readonly measuredSince: string | null;

  constructor(kind: FailureKind, title: string, detail: string, measuredSince: string | null = null) {
    super(title);
    this.kind = kind;
    this.detail = detail;
    this.measuredSince = measuredSince;
  }
}

/** What an overview is asked for. */
export interface OverviewQuery {
  ecosystem: string;
  window: WindowName;
  view: string | null;
}

/** What metrics are asked for: all of them, of everything, over one window. */
export interface MetricsQuery {
  ecosystem: string;
  window: WindowName;
  zoom: Zoom;
}

const base = '/api/v1';
const kinds: Readonly<Record<number, FailureKind>> = { 401: 'signed_out', 404: 'not_found' };

export function overviewUrl(query: OverviewQuery, resource: 'overview' | 'stream' | 'overview.csv' = 'overview'): string {
  const parameters = new URLSearchParams({ window: query.window });
  if (query.view !== null) parameters.set('view', query.view);
  return `${base}/ecosystems/${encodeURIComponent(query.ecosystem)}/${resource}?${parameters}`;
}

/** With the window before, for whatever can be compared with it. */
export function metricsUrl(query: MetricsQuery, resource: 'metrics' | 'analyses' | 'metrics.csv' | 'analyses.csv'): string {
  const parameters = new URLSearchParams({ window: query.window, zoom: query.zoom, previous: 'true' });
  return `${base}/ecosystems/${encodeURIComponent(query.ecosystem)}/${resource}?${parameters}`;
}

export async function fetchSession(): Promise<Session> {
  return readJson<Session>(await request(`${base}/session`));
}

export async function fetchEcosystem(id: string): Promise<EcosystemInfo> {
  return readJson<EcosystemInfo>(await request(`${base}/ecosystems/${encodeURIComponent(id)}`));
}

export async function fetchMetrics(): Promise<MetricInfo[]> {
  return readJson<MetricInfo[]>(await request(`${base}/metrics`));
}

export async function fetchReadings(query: MetricsQuery, signal: AbortSignal): Promise<MetricsAnswer> {
  return readJson<MetricsAnswer>(await request(metricsUrl(query, 'metrics'), { signal, cache: 'no-store' }));
}

/** Takes some seconds where nobody has asked before. */
export async function fetchAnalyses(query: MetricsQuery, signal: AbortSignal): Promise<AnalysesAnswer> {
  return readJson<AnalysesAnswer>(await request(metricsUrl(query, 'analyses'), { signal, cache: 'no-store' }));
}

/** An overview with the entity tag that makes asking again cheap. */
export interface TaggedOverview {
  overview: Overview;
  etag: string | null;
}

/** The snapshot, or null when the state that `etag` names is still the newest. */
export async function fetchOverview(
  query: OverviewQuery,
  etag: string | null,
  signal: AbortSignal,
): Promise<TaggedOverview | null> {
  const headers: HeadersInit = etag === null ? {} : { 'If-None-Match': etag };
  const response = await request(overviewUrl(query), { headers, signal, cache: 'no-store' });
  if (response.status === 304) return null;
  return { overview: await readJson<Overview>(response), etag: response.headers.get('ETag') };
}

async function request(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('unreachable', 'The server cannot be reached', 'Check the connection; the page tries again by itself.');
  }
  if (response.ok || response.status === 304) return response;
  throw await problemOf(response);
}

async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError('refused', 'The server sent something unreadable', `Status ${response.status}, and no JSON.`);
  }
}

/** Turns a problem document (RFC 9457), or whatever came instead, into words. */
export async function problemOf(response: Response): Promise<ApiError> {
  const problem: unknown = await response.json().catch(() => null);
  const { title, detail, measured_since: measuredSince } = (problem ?? {}) as Partial<Record<keyof NotMeasured, unknown>>;
  const since = typeof measuredSince === 'string' ? measuredSince : null;
  return new ApiError(
    since === null ? (kinds[response.status] ?? 'refused') : 'not_measured',
    typeof title === 'string' ? title : `The server answered with status ${response.status}`,
    typeof detail === 'string' ? detail : 'Try again in a moment; if it stays, tell the person who runs this system.',
    since,
  );
}
