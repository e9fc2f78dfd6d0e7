/** Puts a label on each lane so that labels collide neither with each other nor with cards. */

import { grow, lengthOf, overlap, pointAt, spanInside, type Box, type Segment, type Size } from './geometry';

export interface LabelWish {
  key: string;
  lane: Segment;
  /** Sizes of the forms to try, longest first. */
  forms: readonly Size[];
}

export interface PlacedLabel extends Box {
  key: string;
  /** Index of the form that fitted. */
  form: number;
}

const fractions = [0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.26, 0.74, 0.2, 0.8, 0.14, 0.86] as const;
const rounds = 3;
const forbidden = 1000;
const otherLaneCost = 8;
const offCentreCost = 12;
const besideCost = 5;
/** Space between a line and a label beside it: half of the widest line and some air. */
const besideGap = 6;

/** Places as many labels as have room; a lane without room has none (its table row and tip still tell). */
export function placeLabels(wishes: readonly LabelWish[], cards: readonly Box[], area: Size): PlacedLabel[] {
  const placed = new Map<string, PlacedLabel>();
  const shortestFirst = [...wishes].sort((a, b) => lengthOf(a.lane) - lengthOf(b.lane));
  const obstacles = cards.map((card) => grow(card, 3));
  // Later rounds move labels once all the others are known.
  for (let round = 0; round < rounds; round++) {
    for (const wish of shortestFirst) {
      placed.delete(wish.key);
      const label = bestPlace(wish, wishes, [...placed.values()], obstacles, area);
      if (label !== null) placed.set(wish.key, label);
    }
  }
  return [...placed.values()];
}

function bestPlace(
  wish: LabelWish,
  wishes: readonly LabelWish[],
  placed: readonly PlacedLabel[],
  cards: readonly Box[],
  area: Size,
): PlacedLabel | null {
  for (const [form, size] of wish.forms.entries()) {
    let best: { cost: number; box: Box } | null = null;
    for (const fraction of fractions) {
      for (const sideways of sidesOf(wish.lane, size)) {
        const { x, y } = pointAt(wish.lane, fraction);
        const box: Box = { x: x + sideways, y, ...size };
        const cost = costOf(box, fraction, wish, wishes, placed, cards, area) + (sideways === 0 ? 0 : besideCost);
        if (best === null || cost < best.cost) best = { cost, box };
      }
    }
    if (best !== null && best.cost < forbidden) return { ...best.box, key: wish.key, form };
  }
  return null;
}

/** On the line or, where that is steep, beside it: a label is wider than the space between two upright lanes. */
function sidesOf(lane: Segment, size: Size): readonly number[] {
  const steep = Math.abs(lane.to.y - lane.from.y) > 3 * Math.abs(lane.to.x - lane.from.x);
  const beside = size.width / 2 + besideGap;
  return steep ? [0, -beside, beside] : [0];
}

function costOf(
  box: Box,
  fraction: number,
  wish: LabelWish,
  wishes: readonly LabelWish[],
  placed: readonly PlacedLabel[],
  cards: readonly Box[],
  area: Size,
): number {
  const outside = box.x - box.width / 2 < 0 || box.x + box.width / 2 > area.width;
  if (outside || cards.some((card) => overlap(box, card) > 0)) return forbidden;
  if (placed.some((label) => overlap(grow(box, 1), label) > 0)) return forbidden;
  const covered = wishes.filter((other) => other.key !== wish.key && spanInside(other.lane, box) !== null).length;
  return covered * otherLaneCost + Math.abs(fraction - 0.5) * offCentreCost;
}
