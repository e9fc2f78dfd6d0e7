/** Many readings in one line: how far they reach. */

import type { MetricReading } from '../api/types';
import { approximate, compareDecimals } from '../format/decimal';
import type { Formatter } from '../format/formatter';
import { valueText } from '../format/reading';

/** "1 of 11" for what is true or not, else the least and the greatest value; null where none has a value. */
export function spreadText(readings: readonly MetricReading[], formatter: Formatter): string | null {
  const values = readings.flatMap(({ value, unit }) => (value === null ? [] : [{ value, unit }]));
  const [first] = values;
  if (first === undefined) return null;
  if (first.unit === 'truth') return `${values.filter(({ value }) => approximate(value) === 1).length} of ${values.length}`;
  const sorted = values.map(({ value }) => value).sort(compareDecimals);
  const [least, greatest] = [sorted[0] ?? '', sorted.at(-1) ?? ''].map((value) => valueText(value, first.unit, formatter));
  return least === greatest ? (least ?? null) : `${least} to ${greatest}`;
}

/** Greatest first, those without a value last. */
export function byValue(left: MetricReading, right: MetricReading): number {
  if (left.value === null || right.value === null) return Number(left.value === null) - Number(right.value === null);
  return compareDecimals(right.value, left.value);
}

/** Where a bar from zero begins and how wide it is, in percent of the readings' whole range. */
export function barOf(value: string, readings: readonly MetricReading[]): { left: number; width: number } {
  const all = readings.map((reading) => approximate(reading.value ?? '0'));
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
  const range = high - low || 1;
  const [from, to] = [Math.min(0, approximate(value)), Math.max(0, approximate(value))];
  return { left: (100 * (from - low)) / range, width: (100 * (to - from)) / range };
}
