/** Reads a stream through the shared worker where the browser has one, else directly. */

import { StreamConnection } from './connection';
import { presentEverySeconds, type StreamMessage, type TabMessage } from './messages';

/** Calls `onMessage` for everything the stream says until the returned function is called. */
export function subscribe(url: string, onMessage: (message: StreamMessage) => void): () => void {
  if (typeof SharedWorker === 'undefined') return subscribeDirectly(url, onMessage);
  return subscribeShared(url, onMessage);
}

function subscribeDirectly(url: string, onMessage: (message: StreamMessage) => void): () => void {
  const connection = new StreamConnection(url, onMessage);
  return () => connection.close();
}

function subscribeShared(url: string, onMessage: (message: StreamMessage) => void): () => void {
  const worker = new SharedWorker(new URL('./stream-worker.ts', import.meta.url), { type: 'module', name: 'thalweg-stream' });
  const { port } = worker;
  const tell = (message: TabMessage): void => port.postMessage(message);
  let leaveDirect: (() => void) | null = null;

  port.addEventListener('message', (event: MessageEvent<StreamMessage>) => onMessage(event.data));
  port.start();
  worker.addEventListener('error', () => {
    // The worker may be forbidden by a browser setting; the tab then holds its own connection.
    leaveDirect ??= subscribeDirectly(url, onMessage);
  });
  tell({ kind: 'subscribe', url });

  const presence = setInterval(() => tell({ kind: 'present' }), presentEverySeconds * 1000);
  const goodbye = (): void => tell({ kind: 'unsubscribe' });
  const welcome = (event: PageTransitionEvent): void => {
    if (event.persisted) tell({ kind: 'subscribe', url });
  };
  addEventListener('pagehide', goodbye);
  addEventListener('pageshow', welcome);

  return () => {
    clearInterval(presence);
    removeEventListener('pagehide', goodbye);
    removeEventListener('pageshow', welcome);
    goodbye();
    port.close();
    leaveDirect?.();
  };
}
