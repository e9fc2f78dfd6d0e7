/** How often dots leave on a lane: each dot is one occurrence, up to one a second. */

export interface DotPlan {
  /** Dots that share the lane, at equal distance in time. */
  count: number;
  /** Time from one start of the same dot to its next. */
  periodSeconds: number;
  /** Time that a dot needs from card to card. */
  travelSeconds: number;
}

const fastestPerMinute = 60;
const pixelsPerSecond = 70;

/** The plan for a lane of `length` pixels with `perMinute` occurrences, or null when nothing moves. */
export function planDots(perMinute: number, length: number): DotPlan | null {
  if (!(perMinute > 0) || length < 20) return null;
  const rate = steadyRate(Math.min(perMinute, fastestPerMinute));
  const travelSeconds = length / pixelsPerSecond;
  const count = Math.max(1, Math.ceil((rate / 60) * travelSeconds));
  return { count, periodSeconds: (count * 60) / rate, travelSeconds };
}

/** Rounds a rate to steps of about 15 %: a dot must not start over whenever the rate trembles. */
function steadyRate(perMinute: number): number {
  return 1.15 ** Math.round(Math.log(perMinute) / Math.log(1.15));
}
