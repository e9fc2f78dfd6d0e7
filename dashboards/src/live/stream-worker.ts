/**
 * The shared worker: one connection per stream and browser, however many tabs read it.
 * Over HTTP/1.1 a browser opens at most six connections to a host, so a stream per tab would stall the seventh.
 */

import { StreamConnection } from './connection';
import { absentAfterSeconds, type StreamMessage, type TabMessage } from './messages';

interface Reader {
  port: MessagePort;
  url: string | null;
  seenAt: number;
}

const readers = new Set<Reader>();
const connections = new Map<string, StreamConnection>();

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0];
  if (port === undefined) return;
  const reader: Reader = { port, url: null, seenAt: Date.now() };
  readers.add(reader);
  port.addEventListener('message', (message: MessageEvent<TabMessage>) => receive(reader, message.data));
  port.start();
});

setInterval(() => {
  const oldest = Date.now() - absentAfterSeconds * 1000;
  for (const reader of readers) if (reader.seenAt < oldest) leave(reader);
}, absentAfterSeconds * 500);

function receive(reader: Reader, message: TabMessage): void {
  reader.seenAt = Date.now();
  // A tab that was only asleep comes back under its old port.
  readers.add(reader);
  if (message.kind === 'unsubscribe') leave(reader);
  if (message.kind === 'subscribe') join(reader, message.url);
}

function join(reader: Reader, url: string): void {
  reader.url = url;
  const connection = connections.get(url);
  if (connection === undefined) {
    connections.set(url, new StreamConnection(url, (message) => broadcast(url, message)));
  } else if (connection.open) {
    reader.port.postMessage({ kind: 'open' } satisfies StreamMessage);
  }
}

function leave(reader: Reader): void {
  readers.delete(reader);
  const { url } = reader;
  if (url === null || [...readers].some((other) => other.url === url)) return;
  connections.get(url)?.close();
  connections.delete(url);
}

function broadcast(url: string, message: StreamMessage): void {
  for (const reader of readers) if (reader.url === url) reader.port.postMessage(message);
}
