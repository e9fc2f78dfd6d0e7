/** The places that nodes may take: a hub, and rings of ellipses around it, in units of the half-axes (−1..1). */

import type { Point } from './geometry';

/** Up to this many participants the rings have spare places, so that the order can avoid crossings. */
export const roomyUpTo = 12;

export interface Slots {
  hub: Point;
  others: Point[];
}

/** Places for `count` nodes: always enough, never two alike. */
export function slotsFor(count: number): Slots {
  const hub = { x: 0, y: 0 };
  if (count <= 7) return { hub, others: ring(Math.max(6, count - 1), 1, 0) };
  if (count <= roomyUpTo) return { hub, others: [...ring(6, 0.52, 0.5), ...ring(12, 1, 0)] };
  const inner = Math.ceil((count - 1) * 0.27);
  return { hub, others: [...ring(inner, 0.52, 0.5), ...ring(count - 1 - inner, 1, 0)] };
}

/** `count` points on an ellipse of relative `radius`, turned by `turn` of the angle between two of them. */
function ring(count: number, radius: number, turn: number): Point[] {
  return Array.from({ length: count }, (_, index) => {
    const angle = (2 * Math.PI * (index + turn)) / count;
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
}
