/** Sizes of the map for the width that it has. */

import type { Size } from './geometry';
import { roomyUpTo } from './slots';

export interface Plane {
  area: Size;
  card: Size;
  /** About the size of a label; lines should have room for one. */
  label: Size;
  laneSpacing: number;
  /** True when labels carry the exchange's name, not only its amount. */
  named: boolean;
}

/** Width moves in steps, so that dragging a window's edge does not rearrange the map at every pixel. */
const widthStep = 40;
const narrowBelow = 1000;

export function planeFor(available: number, nodes: number): Plane {
  const width = Math.max(560, Math.floor(available / widthStep) * widthStep);
  const wide = width >= narrowBelow;
  const crowded = nodes > roomyUpTo;
  const card = { width: wide && !crowded ? 168 : 132, height: 88 };
  return {
    area: { width, height: heightFor(nodes, wide) },
    card,
    label: { width: wide ? 150 : 60, height: 18 },
    laneSpacing: 21,
    named: wide && !crowded,
  };
}

function heightFor(nodes: number, wide: boolean): number {
  if (nodes <= 4) return 400;
  if (nodes <= 7) return 520;
  if (nodes <= roomyUpTo) return wide ? 700 : 860;
  return wide ? 960 : 1200;
}
