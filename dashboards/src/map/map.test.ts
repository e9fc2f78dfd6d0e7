import { describe, expect, test } from 'vitest';

import { Charging } from '../../dev/charging';
import { crowd } from '../../dev/crowd';
import type { Overview } from '../api/types';
import { planDots } from './dots';
import { crosses, overlap, spanInside, type Box, type Point } from './geometry';
import { placeLabels } from './labels';
import { keyOf, lanesOf, pairsOf } from './lanes';
import { placeNodes } from './layout';
import { lineWidth, thinnestLine, widestLine } from './media';
import { hasRoom, planeFor } from './plane';

const charging = new Charging().overview('7d', null);

function draw(overview: Overview, width: number) {
  const plane = planeFor(width, overview.nodes.length);
  const centres = placeNodes(
    overview.nodes.map((node) => node.id),
    pairsOf(overview.flows),
    plane.area,
    plane.card,
    plane.label,
  );
  const cards = [...centres.values()].map((centre): Box => ({ ...centre, ...plane.card }));
  const lanes = lanesOf(overview.flows, centres, plane.card, plane.laneSpacing, 4);
  const wishes = lanes.map((lane) => ({ key: lane.key, lane, forms: [{ width: 120, height: 17 }, { width: 54, height: 17 }] }));
  return { plane, centres, cards, lanes, labels: placeLabels(wishes, cards, plane.area) };
}

function* twosOf<T>(items: readonly T[]): Generator<[T, T]> {
  for (const [index, left] of items.entries()) for (const right of items.slice(index + 1)) yield [left, right];
}

describe.each([
  ['a laptop', charging, 1380],
  ['a tablet', charging, 900],
  ['a small tablet', charging, 600],
  ['a laptop, with 13 participants', crowd(charging, 2), 1200],
  ['a laptop, with 32 participants', crowd(charging, 21), 1200],
  ['a screen, with 32 participants', crowd(charging, 21), 1380],
])('the map on %s', (_, overview, width) => {
  const { plane, centres, cards, lanes, labels } = draw(overview, width);

  test('keeps every card inside and apart from the others', () => {
    expect(centres.size).toBe(overview.nodes.length);
    for (const card of cards) {
      expect(card.x - card.width / 2).toBeGreaterThanOrEqual(-0.001);
      expect(card.x + card.width / 2).toBeLessThanOrEqual(plane.area.width + 0.001);
      expect(card.y - card.height / 2).toBeGreaterThanOrEqual(-0.001);
      expect(card.y + card.height / 2).toBeLessThanOrEqual(plane.area.height + 0.001);
    }
    for (const [left, right] of twosOf(cards)) expect(overlap(left, right)).toBe(0);
  });

  test('draws every flow', () => {
    expect(new Set(lanes.map((lane) => lane.key))).toEqual(new Set(overview.flows.map(keyOf)));
  });

  test('lets no label lie on another or on a card', () => {
    for (const [left, right] of twosOf(labels)) expect(overlap(left, right)).toBe(0);
    for (const label of labels) for (const card of cards) expect(overlap(label, card)).toBe(0);
  });
});

describe('the layout', () => {
  test('is the same for the same design, in whatever order it comes', () => {
    const turned = { ...charging, nodes: charging.nodes.toReversed(), flows: charging.flows.toReversed() };
    const sorted = (centres: ReadonlyMap<string, Point>) => [...centres].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(draw(turned, 1380).centres)).toEqual(sorted(draw(charging, 1380).centres));
  });

  test('of the charging example has no crossing bundles and no line under a card', () => {
    const { centres, plane } = draw(charging, 1380);
    const bundles = pairsOf(charging.flows).map(({ a, b }) => ({ a, b, from: centres.get(a) as Point, to: centres.get(b) as Point }));
    for (const [left, right] of twosOf(bundles)) expect(crosses(left, right)).toBe(false);
    for (const bundle of bundles) {
      for (const [id, centre] of centres) {
        if (id !== bundle.a && id !== bundle.b) expect(spanInside(bundle, { ...centre, ...plane.card })).toBeNull();
      }
    }
  });

  test.each([1, 2, 3, 7, 8, 12, 13])('has a place for each of %i nodes', (count) => {
    const ids = Array.from({ length: count }, (_, index) => `n${index}`);
    const plane = planeFor(1200, count);
    const centres = placeNodes(ids, ids.slice(1).map((id) => ({ a: 'n0', b: id, lanes: 2 })), plane.area, plane.card, plane.label);
    expect(new Set([...centres.values()].map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`)).size).toBe(count);
  });
});

test('a phone has room for no map, a tablet for twelve participants, a laptop for thirty-two', () => {
  expect(hasRoom(390, 3)).toBe(false);
  expect(hasRoom(768, 12)).toBe(true);
  expect(hasRoom(768, 13)).toBe(false);
  expect(hasRoom(1440, 32)).toBe(true);
  expect(hasRoom(1440, 33)).toBe(false);
});

describe('lanes', () => {
  const { lanes } = draw(charging, 1380);

  test('of a pair run side by side in both directions', () => {
    const [there, back] = ['charging-fee-drivers-volt-pass', 'charging-access-volt-pass-drivers'].map((key) => lanes.find((lane) => lane.key === key));
    if (there === undefined || back === undefined) throw new Error('the example lacks its main exchanges');
    expect(crosses(there, back)).toBe(false);
    const direction = (lane: typeof there) => Math.atan2(lane.to.y - lane.from.y, lane.to.x - lane.from.x);
    expect(Math.abs(Math.cos(direction(there) - direction(back)) + 1)).toBeLessThan(1e-9);
  });

  test('of a participant that is not on the map are left out', () => {
    const [flow] = charging.flows;
    if (flow === undefined) throw new Error('the example has no flow');
    expect(lanesOf([flow], new Map(), { width: 10, height: 10 }, 20, 0)).toEqual([]);
  });
});

describe('a line', () => {
  test('is as wide as its worth, and never too thin to see', () => {
    expect(lineWidth(100, 100)).toBe(widestLine);
    expect(lineWidth(50, 100)).toBe(widestLine / 2);
    expect(lineWidth(0, 100)).toBe(thinnestLine);
    expect(lineWidth(-5, 100)).toBe(thinnestLine);
    expect(lineWidth(0, 0)).toBe(thinnestLine);
  });
});

describe('dots', () => {
  test('leave as often as events occur', () => {
    const plan = planDots(10, 300);
    if (plan === null) throw new Error('events occur, so dots must move');
    expect((plan.count / plan.periodSeconds) * 60).toBeGreaterThan(9);
    expect((plan.count / plan.periodSeconds) * 60).toBeLessThan(11);
  });

  test('arrive before they leave again', () => {
    for (const rate of [0.01, 1, 20, 60, 5_000]) {
      const plan = planDots(rate, 500);
      if (plan === null) throw new Error('events occur, so dots must move');
      expect(plan.travelSeconds).toBeLessThanOrEqual(plan.periodSeconds + 1e-9);
    }
  });

  test('are at most about one a second, however fast events come', () => {
    const plan = planDots(100_000, 400);
    expect((plan?.count ?? 0) / (plan?.periodSeconds ?? 1)).toBeLessThan(1.1);
  });

  test('do not move where nothing occurs', () => {
    expect(planDots(0, 300)).toBeNull();
    expect(planDots(NaN, 300)).toBeNull();
  });

  test('do not start over when the rate trembles', () => {
    expect(planDots(10.1, 300)).toEqual(planDots(10.3, 300));
  });
});
