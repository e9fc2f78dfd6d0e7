/** Sizes of the map for the width that it has. */

import type { Size } from './geometry';
import { roomyUpTo } from './slots';

export interface Plane {
  area: Size;
  card: Size;
  /** About the size of a label; lines should have room for one. */
  label: Size;
  laneSpacing: number;
  /** How much a card says: its share of value, and the number of its devices. */
  shares: boolean;
  devices: boolean;
  /** True when labels carry the exchange's name, not only its amount. */
  named: boolean;
}

/** Width moves in steps, so that dragging a window's edge does not rearrange the map at every pixel. */
const widthStep = 40;
const wideFrom = 1000;
/** Below this width there is no room for names on lines. */
const namedFrom = 840;
const wideCard = 168;
const crowdedRowHeight = 36;
/** Below this width of the window there is no room for any map. */
const phoneBelow = 640;
/** A crowd needs a wide window. */
const crowdedFrom = 1280;
const mostNodes = 32;

/** True when a window of this width can show this many nodes as a picture; else lists say the same. */
export function hasRoom(windowWidth: number, nodes: number): boolean {
  if (nodes <= roomyUpTo) return windowWidth >= phoneBelow;
  return windowWidth >= crowdedFrom && nodes <= mostNodes;
}

export function planeFor(available: number, nodes: number): Plane {
  const width = Math.max(560, Math.floor(available / widthStep) * widthStep);
  const wide = width >= wideFrom;
  const named = width >= namedFrom && nodes <= roomyUpTo;
  const crowded = nodes > roomyUpTo;
  const card = crowded ? { width: 124, height: 70 } : { width: wide ? wideCard : 140, height: 88 };
  return {
    area: { width, height: heightFor(nodes, wide) },
    card,
    label: { width: wide ? 150 : named ? 100 : 60, height: 18 },
    laneSpacing: 21,
    shares: !crowded,
    devices: card.width >= wideCard,
    named,
  };
}

function heightFor(nodes: number, wide: boolean): number {
  if (nodes <= 4) return 400;
  if (nodes <= 7) return 520;
  if (nodes <= roomyUpTo) return wide ? 700 : 860;
  return Math.max(960, nodes * crowdedRowHeight);
}
