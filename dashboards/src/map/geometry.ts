/** Plane geometry of the value map, in CSS pixels; y grows downwards. */

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Segment {
  from: Point;
  to: Point;
}

/** A rectangle by its centre. */
export interface Box extends Point, Size {}

export function lengthOf({ from, to }: Segment): number {
  return Math.hypot(to.x - from.x, to.y - from.y);
}

/** The point at fraction `t` of the segment. */
export function pointAt({ from, to }: Segment, t: number): Point {
  return { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t };
}

/** True when the segments cross in their interiors. */
export function crosses(a: Segment, b: Segment): boolean {
  return side(a, b.from) * side(a, b.to) < 0 && side(b, a.from) * side(b, a.to) < 0;
}

function side({ from, to }: Segment, point: Point): number {
  return (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x);
}

/** The part of the segment inside the box as fractions [enter, leave], or null when it misses (slab method). */
export function spanInside({ from, to }: Segment, box: Box): [number, number] | null {
  let enter = 0;
  let leave = 1;
  for (const [start, delta, low, high] of [
    [from.x, to.x - from.x, box.x - box.width / 2, box.x + box.width / 2],
    [from.y, to.y - from.y, box.y - box.height / 2, box.y + box.height / 2],
  ] as const) {
    if (delta === 0) {
      if (start < low || start > high) return null;
      continue;
    }
    const [first, second] = [(low - start) / delta, (high - start) / delta];
    enter = Math.max(enter, Math.min(first, second));
    leave = Math.min(leave, Math.max(first, second));
  }
  return enter < leave ? [enter, leave] : null;
}

/** Area that two boxes share, in square pixels. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width / 2, b.x + b.width / 2) - Math.max(a.x - a.width / 2, b.x - b.width / 2);
  const height = Math.min(a.y + a.height / 2, b.y + b.height / 2) - Math.max(a.y - a.height / 2, b.y - b.height / 2);
  return width > 0 && height > 0 ? width * height : 0;
}

/** A box grown by a margin on every side. */
export function grow(box: Box, margin: number): Box {
  return { ...box, width: box.width + 2 * margin, height: box.height + 2 * margin };
}
