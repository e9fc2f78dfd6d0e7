/** Which of two overviews counts. */

import type { Overview } from '../api/types';
import type { OverviewQuery } from '../api/client';

/** An overview from a stream frame, or null when the text is none: then the reader must ask for a snapshot. */
export function parseFrame(text: string): Overview | null {
  try {
    const value: unknown = JSON.parse(text);
    return isOverview(value) ? value : null;
  } catch {
    return null;
  }
}

/** True when `candidate` may replace `current`: newest wins, and a frame that was overtaken is dropped. */
export function isNewer(candidate: Overview, current: Overview | null): boolean {
  if (current === null || !isSameQuestion(candidate, current)) return true;
  if (candidate.as_of.commit !== current.as_of.commit) return candidate.as_of.commit > current.as_of.commit;
  return Date.parse(candidate.as_of.computed_at) >= Date.parse(current.as_of.computed_at);
}

/** True when the overview answers the query: a late frame of the window before must not be shown under the new one. */
export function answers(overview: Overview, query: OverviewQuery): boolean {
  return overview.window.name === query.window && overview.view === query.view;
}

function isSameQuestion(left: Overview, right: Overview): boolean {
  return left.window.name === right.window.name && left.view === right.view;
}

function isOverview(value: unknown): value is Overview {
  return typeof value === 'object' && value !== null && 'as_of' in value && 'tiles' in value && 'flows' in value;
}
