/** How a figure compares with the window before: direction, size in words, and whether that is good news. */

import type { Figure } from '../api/types';
import { approximate, compareDecimals, subtractDecimals } from './decimal';
import type { Formatter } from './formatter';

export interface Change {
  direction: 'up' | 'down' | 'same';
  /** Size without sign, such as "6.2%" or "0.4 pt". */
  text: string;
  tone: 'good' | 'bad' | 'neutral';
}

/** Which direction of a tile is good news; a tile that is not listed is neutral. */
const wanted: Record<string, 'up' | 'down'> = {
  created: 'up',
  gross: 'up',
  coverage: 'up',
  captured: 'up',
  net_cash: 'up',
  share: 'up',
  silent: 'down',
};

/** The change since the previous window, or null where there is nothing to compare with. */
export function changeOf(tile: string, figure: Figure, formatter: Formatter): Change | null {
  const { value, previous } = figure;
  if (value === null || previous === null || previous === undefined) return null;
  const order = compareDecimals(value, previous);
  const direction = order > 0 ? 'up' : order < 0 ? 'down' : 'same';
  const text = sizeOf(tile, figure.unit, value, previous, formatter);
  if (text === null) return null;
  const wish = wanted[tile];
  const tone = direction === 'same' || wish === undefined ? 'neutral' : direction === wish ? 'good' : 'bad';
  return { direction, text, tone };
}

function sizeOf(tile: string, unit: string, value: string, previous: string, formatter: Formatter): string | null {
  const difference = subtractDecimals(value, previous).replace('-', '');
  // Shares are compared in percentage points: a percentage of a percentage misleads.
  if (unit === '%') return `${formatter.number('rate', difference)} pt`;
  if (tile === 'share') return `${formatter.number('rate', String(approximate(difference) * 100))} pt`;
  if (unit === 'ratio') return formatter.number('ratio', difference);
  if (unit === 'points' || tile === 'silent') return formatter.number('count', difference);
  const before = Math.abs(approximate(previous));
  if (before === 0) return null;
  const relative = approximate(difference) / before;
  return formatter.number('percent', String(relative));
}
