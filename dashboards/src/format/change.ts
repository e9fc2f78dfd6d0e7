/** How a figure compares with the window before: direction, size in words, and whether that is good news. */

import type { Figure } from '../api/types';
import { approximate, compareDecimals, subtractDecimals } from './decimal';
import type { Formatter, NumberKind } from './formatter';

export interface Change {
  direction: 'up' | 'down' | 'same';
  /** Size without sign, such as "6.2%" or "0.4 pt"; "no change" for what rounds to zero. */
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
  const size = sizeOf(tile, figure.unit, value, previous);
  if (size === null) return null;
  const { kind, amount, suffix } = size;
  // What rounds to nothing is nothing: an arrow beside a zero would claim a rise or a fall.
  if (formatter.number(kind, amount) === formatter.number(kind, '0')) return { direction: 'same', text: 'no change', tone: 'neutral' };
  const direction = compareDecimals(value, previous) > 0 ? 'up' : 'down';
  const wish = wanted[tile];
  const tone = wish === undefined ? 'neutral' : direction === wish ? 'good' : 'bad';
  return { direction, text: formatter.number(kind, amount) + suffix, tone };
}

interface ChangeSize {
  kind: NumberKind;
  /** A decimal string without sign. */
  amount: string;
  suffix: string;
}

function sizeOf(tile: string, unit: string, value: string, previous: string): ChangeSize | null {
  const amount = subtractDecimals(value, previous).replace('-', '');
  // Shares are compared in percentage points: a percentage of a percentage misleads.
  if (unit === '%') return { kind: 'rate', amount, suffix: ' pt' };
  if (tile === 'share') return { kind: 'rate', amount: String(approximate(amount) * 100), suffix: ' pt' };
  if (unit === 'ratio') return { kind: 'ratio', amount, suffix: '' };
  if (unit === 'points' || tile === 'silent') return { kind: 'count', amount, suffix: '' };
  const before = Math.abs(approximate(previous));
  if (before === 0) return null;
  const relative = approximate(amount) / before;
  return { kind: relative < 1 ? 'percent' : 'wholePercent', amount: String(relative), suffix: '' };
}
