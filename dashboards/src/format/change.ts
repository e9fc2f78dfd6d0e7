/** How a figure compares with the window before: direction, size in words, and whether that is good news. */

import type { Figure, MetricInfo, MetricReading } from '../api/types';
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

/** What is compared: a unit of the API or, where that could mean several things, "part", "number" or "amount". */
type Measure = string;

interface Pair {
  value: string | null;
  previous?: string | null;
}

/** The change of a tile since the previous window, or null where there is nothing to compare with. */
export function changeOf(tile: string, figure: Figure, formatter: Formatter): Change | null {
  const measure: Measure = tile === 'share' ? 'part' : tile === 'silent' ? 'number' : figure.unit === 'count' ? 'amount' : figure.unit;
  return compare(figure, measure, wanted[tile], formatter);
}

/** The change of a metric's reading, likewise; the catalogue says which direction is good news. */
export function changeOfReading(reading: MetricReading, info: MetricInfo, formatter: Formatter): Change | null {
  if (reading.unit === 'truth') return null;
  const wish = info.direction === 'higher' ? 'up' : info.direction === 'lower' ? 'down' : undefined;
  return compare(reading, reading.unit, wish, formatter);
}

function compare({ value, previous }: Pair, measure: Measure, wish: 'up' | 'down' | undefined, formatter: Formatter): Change | null {
  if (value === null || previous === null || previous === undefined) return null;
  const size = sizeOf(measure, value, previous);
  if (size === null) return null;
  const { kind, amount, suffix } = size;
  // What rounds to nothing is nothing: an arrow beside a zero would claim a rise or a fall.
  if (formatter.number(kind, amount) === formatter.number(kind, '0')) return { direction: 'same', text: 'no change', tone: 'neutral' };
  const direction = compareDecimals(value, previous) > 0 ? 'up' : 'down';
  const tone = wish === undefined ? 'neutral' : direction === wish ? 'good' : 'bad';
  return { direction, text: formatter.number(kind, amount) + suffix, tone };
}

interface ChangeSize {
  kind: NumberKind;
  /** A decimal string without sign. */
  amount: string;
  suffix: string;
}

function sizeOf(measure: Measure, value: string, previous: string): ChangeSize | null {
  const amount = subtractDecimals(value, previous).replace('-', '');
  // Shares are compared in percentage points: a percentage of a percentage misleads.
  if (measure === '%' || measure === 'pp') return { kind: 'rate', amount, suffix: ' pt' };
  if (measure === 'part') return { kind: 'rate', amount: String(approximate(amount) * 100), suffix: ' pt' };
  if (measure === 'ratio') return { kind: 'ratio', amount, suffix: '' };
  if (measure === 'points' || measure === 'number' || measure === 'count') return { kind: 'count', amount, suffix: '' };
  const before = Math.abs(approximate(previous));
  if (before === 0) return null;
  const relative = approximate(amount) / before;
  return { kind: relative < 1 ? 'percent' : 'wholePercent', amount: String(relative), suffix: '' };
}
