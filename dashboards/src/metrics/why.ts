/** Why a metric has no value, in its own words where the general ones would say too little. */

import type { MetricReading } from '../api/types';
import { reasonText } from '../format/reason';
import { familyOf } from './questions';

/** By family, then by reason. */
const own: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  m7: { not_positive: 'earns no money' },
  m13: { not_declared: 'the design does not say which events belong together' },
  m22: { not_positive: 'value did not go round in every window', too_few_windows: 'takes 30 windows' },
  m29: { not_positive: 'nothing varied over the windows', too_few_windows: 'takes 8 windows' },
  m27: { not_declared: 'has no driver' },
  m30: { not_positive: 'nothing intangible to divide by' },
  m38: { not_given: 'takes another design to compare with' },
  m39: { not_given: 'takes another design to compare with' },
  m46: { not_declared: 'the design expects no number' },
};

/** `windows` says how many the measures over time had to go by, where that is known. */
export function why({ metric, reason }: Pick<MetricReading, 'metric' | 'reason'>, windows: number | null): string {
  const text = own[familyOf(metric)]?.[reason ?? ''] ?? reasonText(reason);
  return reason === 'too_few_windows' && windows !== null ? `${text}, there ${windows === 1 ? 'is 1' : `are ${windows}`}` : text;
}
