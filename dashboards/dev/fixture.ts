/**
 * Serves the API's overview and metrics from memory under `npm run dev` and `npm run preview`.
 * The cookie `fixture` picks a situation: `live` (default), `empty`, `signed-out`, `slow`, `broken`, `mute`, `crowded` or `new`
 * (measured for a while only).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Connect, Plugin } from 'vite';

import type { Overview, WindowName } from '../src/api/types.ts';
import { metrics } from './catalogue.ts';
import { Charging } from './charging.ts';
import { crowd } from './crowd.ts';
import { analysesOf, design, metricsOf } from './readings.ts';

const contentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; img-src 'self' data:";

/** In the situation `new`. */
const measuredSince = new Date(Math.floor(Date.now() / 900_000 - 3 * 96) * 900_000).toISOString();

export function fixtureApi(): Plugin {
  const ecosystems = { live: new Charging(), empty: new Charging(false) };
  const clock = setInterval(() => ecosystems.live.advance(), 1_300);
  clock.unref();
  const handler = serve(ecosystems);
  return {
    name: 'fixture-api',
    apply: (_, { command, isPreview }) => command === 'serve' || isPreview === true,
    configureServer: ({ middlewares }) => void middlewares.use(handler),
    configurePreviewServer: ({ middlewares }) => {
      middlewares.use((_request, response, next) => {
        response.setHeader('Content-Security-Policy', contentSecurityPolicy);
        next();
      });
      middlewares.use(handler);
    },
  };
}

function serve(ecosystems: { live: Charging; empty: Charging }): Connect.NextHandleFunction {
  return (request, response, next) => {
    const url = new URL(request.url ?? '/', 'http://fixture');
    if (!url.pathname.startsWith('/api/')) return next();
    const situation = /fixture=([a-z-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? 'live';
    if (situation === 'signed-out') return problem(response, 401, 'Not signed in', 'Open the sign-in link.');
    const charging = situation === 'empty' ? ecosystems.empty : ecosystems.live;
    const window = (url.searchParams.get('window') ?? '24h') as WindowName;
    const overview = (): Overview => {
      const plain = charging.overview(window, url.searchParams.get('view'));
      if (situation === 'new' && window === 'all') return { ...plain, window: { ...plain.window, start: measuredSince } };
      return situation === 'crowded' ? crowd(plain) : plain;
    };
    const path = url.pathname.replace('/api/v1', '');
    if (path === '/session') return json(response, { ecosystems: [{ id: 'ev', name: 'EV charging' }], viewer: 'demo' });
    if (path === '/metrics') return json(response, metrics);
    if (path === '/ecosystems/ev') return json(response, information());
    if (situation === 'slow') return void setTimeout(() => json(response, overview()), 60_000).unref();
    if (situation === 'broken') return problem(response, 503, 'The database is away', 'It is starting again; nothing is lost.');
    if (situation === 'new' && (window === '7d' || window === '30d')) return notMeasured(response);
    if (path === '/ecosystems/ev/overview') return json(response, overview());
    if (path === '/ecosystems/ev/overview.csv') return csv(response, overview());
    if (path === '/ecosystems/ev/metrics') return json(response, metricsOf(overview()));
    if (path === '/ecosystems/ev/analyses') return void setTimeout(() => json(response, analysesOf(overview())), 2_000).unref();
    if (path === '/ecosystems/ev/stream') {
      if (situation === 'mute') return problem(response, 503, 'No stream', 'Try again later.');
      return stream(request, response, overview);
    }
    return problem(response, 404, 'No such ecosystem', `Nothing is registered under ${path}.`);
  };
}

function information(): object {
  return {
    id: 'ev',
    name: 'EV charging',
    currency: 'EUR',
    design,
    participants: Charging.participants,
    viewer: 'demo',
  };
}

function stream(request: IncomingMessage, response: ServerResponse, overview: () => Overview): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (): void => {
    const frame = overview();
    response.write(`id: ${frame.as_of.commit}\nevent: overview\ndata: ${JSON.stringify(frame)}\n\n`);
  };
  send();
  const frames = setInterval(send, 1_000);
  const heartbeats = setInterval(() => response.write('event: heartbeat\ndata:\n\n'), 10_000);
  request.on('close', () => {
    clearInterval(frames);
    clearInterval(heartbeats);
  });
}

function csv(response: ServerResponse, overview: Overview): void {
  const rows = overview.shares.map((share) => [share.participant, share.exact, share.settled].join(','));
  response.writeHead(200, { 'Content-Type': 'text/csv', 'Content-Disposition': 'attachment; filename="overview.csv"' });
  response.end(['participant,exact,settled', ...rows, ''].join('\r\n'));
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'Content-Type': 'application/json', ETag: `"${Date.now()}"` });
  response.end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, title: string, detail: string, more: object = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title, status, detail, ...more }));
}

function notMeasured(response: ServerResponse): void {
  const more = { meter: 'energy', measured_since: measuredSince };
  problem(response, 422, 'Not measured for so long', 'Ask for the window "all".', more);
}
