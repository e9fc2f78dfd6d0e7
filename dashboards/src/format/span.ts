/** A window of time in words. */

import type { WindowName } from '../api/types';
import type { Formatter } from './formatter';

const spans: Record<WindowName, string> = {
  '24h': 'last 24 hours, against the 24 hours before',
  '7d': 'last 7 days, against the 7 days before',
  '30d': 'last 30 days, against the 30 days before',
  all: 'since the beginning',
};

export function spanText(window: { name: WindowName | null; start: string | null }, formatter: Formatter): string {
  const { name, start } = window;
  if (name !== null && (name !== 'all' || start === null)) return spans[name];
  return start === null ? spans.all : `measured since ${formatter.dateTime(start)}`;
}
