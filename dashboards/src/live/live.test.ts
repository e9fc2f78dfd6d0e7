import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Charging } from '../../dev/charging';
import type { Overview } from '../api/types';
import { StreamConnection } from './connection';
import { answers, isNewer, parseFrame } from './frames';
import type { StreamMessage } from './messages';
import { liveStateOf, staleAfterSeconds } from './state';

const sample = new Charging().overview('7d', null);
const at = (commit: number, computedAt: string, change: Partial<Overview> = {}): Overview => ({
  ...sample,
  as_of: { commit, changes: 1, at: computedAt, computed_at: computedAt },
  ...change,
});
const earlier = '2026-05-01T10:00:00Z';
const later = '2026-05-01T10:00:01Z';

describe('frames', () => {
  test('the newest wins and an overtaken one is dropped', () => {
    expect(isNewer(at(8, earlier), at(7, later))).toBe(true);
    expect(isNewer(at(6, later), at(7, earlier))).toBe(false);
  });

  test('of the same commit the later computed one counts, since windows slide', () => {
    expect(isNewer(at(7, later), at(7, earlier))).toBe(true);
    expect(isNewer(at(7, earlier), at(7, later))).toBe(false);
  });

  test('another question is not compared by commit', () => {
    expect(isNewer(at(1, earlier, { view: 'drivers' }), at(7, later))).toBe(true);
    expect(isNewer(at(1, earlier), null)).toBe(true);
  });

  test('a frame of the window before does not answer the new question', () => {
    expect(answers(sample, { ecosystem: 'ev', window: '7d', view: null })).toBe(true);
    expect(answers(sample, { ecosystem: 'ev', window: '24h', view: null })).toBe(false);
    expect(answers(sample, { ecosystem: 'ev', window: '7d', view: 'drivers' })).toBe(false);
  });

  test('what is no overview is null, so that a snapshot is fetched', () => {
    expect(parseFrame('{"as_of":')).toBeNull();
    expect(parseFrame('[]')).toBeNull();
    expect(parseFrame('null')).toBeNull();
    expect(parseFrame(JSON.stringify(sample))).toEqual(sample);
  });
});

describe('the live state', () => {
  const well = { online: true, connected: true, hasData: true, failed: false, lostSeconds: 0 };

  test.each([
    [{}, 'live'],
    [{ hasData: false }, 'loading'],
    [{ hasData: false, connected: false }, 'loading'],
    [{ connected: false, lostSeconds: 1 }, 'reconnecting'],
    [{ connected: false, lostSeconds: staleAfterSeconds }, 'stale'],
    [{ hasData: false, failed: true, connected: false, lostSeconds: 90 }, 'unavailable'],
    [{ online: false }, 'offline'],
    [{ online: false, hasData: false }, 'offline'],
  ])('%o is %s', (signs, state) => {
    expect(liveStateOf({ ...well, ...signs })).toBe(state);
  });
});

describe('a stream connection', () => {
  /** Stands in for the browser's class: the test plays the server. */
  class FakeSource extends EventTarget {
    static all: FakeSource[] = [];
    closed = false;

    constructor(readonly url: string) {
      super();
      FakeSource.all.push(this);
    }

    close(): void {
      this.closed = true;
    }

    say(type: string, data = ''): void {
      this.dispatchEvent(new MessageEvent(type, { data }));
    }
  }

  const newest = (): FakeSource => FakeSource.all.at(-1) as FakeSource;
  let said: StreamMessage[];
  let connection: StreamConnection;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('EventSource', FakeSource);
    FakeSource.all = [];
    said = [];
    connection = new StreamConnection('/stream', (message) => said.push(message));
  });

  afterEach(() => {
    connection.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test('passes on what the server says', () => {
    newest().say('open');
    newest().say('overview', '{}');
    newest().say('heartbeat');
    expect(said).toEqual([{ kind: 'open' }, { kind: 'frame', data: '{}' }, { kind: 'heartbeat' }]);
  });

  test('reports a loss and connects again, more slowly each time', () => {
    newest().say('error');
    expect(said).toEqual([{ kind: 'lost' }]);
    expect(newest().closed).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(FakeSource.all).toHaveLength(2);
    newest().say('error');
    vi.advanceTimersByTime(1000);
    expect(FakeSource.all).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    expect(FakeSource.all).toHaveLength(3);
  });

  test('takes silence without heartbeats for a loss', () => {
    newest().say('open');
    vi.advanceTimersByTime(20_000);
    newest().say('heartbeat');
    vi.advanceTimersByTime(20_000);
    expect(said.at(-1)).toEqual({ kind: 'heartbeat' });
    vi.advanceTimersByTime(5_000);
    expect(said.at(-1)).toEqual({ kind: 'lost' });
  });

  test('takes an attempt that is never answered for a loss', () => {
    vi.advanceTimersByTime(9_000);
    expect(said).toEqual([{ kind: 'lost' }]);
    expect(FakeSource.all).toHaveLength(2);
  });

  test('says nothing and reconnects no more once closed', () => {
    connection.close();
    vi.advanceTimersByTime(600_000);
    expect(said).toEqual([]);
    expect(FakeSource.all).toHaveLength(1);
  });
});
