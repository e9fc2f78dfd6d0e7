/** A metric's reading in its unit. What is not zero never looks like zero. */

import type { MetricReading } from '../api/types';
import { approximate } from './decimal';
import type { Formatter, NumberKind } from './formatter';

/** The value in words and digits, or null where there is none. */
export function readingText(reading: Pick<MetricReading, 'value' | 'unit'>, formatter: Formatter): string | null {
  const { value, unit } = reading;
  return value === null ? null : valueText(value, unit, formatter);
}

/** A decimal string in a unit of the API. */
export function valueText(value: string, unit: string, formatter: Formatter): string {
  if (unit === 'truth') return approximate(value) === 1 ? 'yes' : 'no';
  const size = Math.abs(approximate(value));
  const small = smallOf(unit, formatter);
  const isSmall = small !== null && size > 0 && size < small.below;
  if (unit === 'pp') return `${formatter.number(isSmall ? 'small' : 'ratio', value)} pp`;
  return isSmall ? formatter.number(small.kind, value) : (formatter.figure({ metric: '', value, unit }) ?? '');
}

/** How to write what the usual decimals would show as zero. */
function smallOf(unit: string, formatter: Formatter): { kind: NumberKind; below: number } | null {
  switch (unit) {
    case formatter.currency:
      return { kind: 'smallMoney', below: 0.005 };
    case '%':
      return { kind: 'smallPercentValue', below: 0.005 };
    case 's':
      return { kind: 'smallSeconds', below: 0.05 };
    case 'ratio':
    case 'pp':
      return { kind: 'small', below: 0.005 };
    default:
      return null;
  }
}
