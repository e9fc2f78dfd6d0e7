/** Parallel lanes: every exchange between the same two nodes has a line of its own, side by side with the others. */

import type { MapFlow } from '../api/types';
import { lengthOf, spanInside, type Box, type Point, type Segment, type Size } from './geometry';
import type { Pair } from './layout';

export interface Lane extends Segment {
  key: string;
  flow: MapFlow;
}

/** The identity of a flow on the page. */
export function keyOf(flow: MapFlow): string {
  return `${flow.exchange}-${flow.source}-${flow.target}`;
}

/** The pairs of nodes that exchange something, in a fixed order. */
export function pairsOf(flows: readonly MapFlow[]): Pair[] {
  return [...bundles(flows).values()].map((lanes) => ({ ...endsOf(lanes[0] as MapFlow), lanes: lanes.length }));
}

/** One straight line per flow, from card to card, `spacing` pixels apart; it stops `gap` before a card. */
export function lanesOf(flows: readonly MapFlow[], centres: ReadonlyMap<string, Point>, card: Size, spacing: number, gap: number): Lane[] {
  return [...bundles(flows).values()].flatMap((bundle) =>
    bundle.flatMap((flow, index) => {
      const { a, b } = endsOf(flow);
      const [start, end] = [centres.get(a), centres.get(b)];
      if (start === undefined || end === undefined || a === b) return [];
      const shifted = shift({ from: start, to: end }, (index - (bundle.length - 1) / 2) * spacing);
      const visible = between(shifted, { ...start, ...card }, { ...end, ...card }, gap);
      const line = flow.source === a ? visible : { from: visible.to, to: visible.from };
      return [{ ...line, key: keyOf(flow), flow }];
    }),
  );
}

function bundles(flows: readonly MapFlow[]): Map<string, MapFlow[]> {
  const found = new Map<string, MapFlow[]>();
  for (const flow of [...flows].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))) {
    const { a, b } = endsOf(flow);
    found.set(`${a} ${b}`, [...(found.get(`${a} ${b}`) ?? []), flow]);
  }
  return found;
}

/** The two ends in an order that does not depend on the direction, so that lanes of both directions line up. */
function endsOf(flow: MapFlow): { a: string; b: string } {
  return flow.source < flow.target ? { a: flow.source, b: flow.target } : { a: flow.target, b: flow.source };
}

function shift(line: Segment, distance: number): Segment {
  const length = lengthOf(line) || 1;
  const [dx, dy] = [(-(line.to.y - line.from.y) / length) * distance, ((line.to.x - line.from.x) / length) * distance];
  return {
    from: { x: line.from.x + dx, y: line.from.y + dy },
    to: { x: line.to.x + dx, y: line.to.y + dy },
  };
}

/** The part of a line between two cards. */
function between(line: Segment, start: Box, end: Box, gap: number): Segment {
  const length = lengthOf(line) || 1;
  const [dx, dy] = [(line.to.x - line.from.x) / length, (line.to.y - line.from.y) / length];
  const leave = (spanInside(line, start)?.[1] ?? 0) * length + gap;
  const enter = (spanInside(line, end)?.[0] ?? 1) * length - gap;
  const at = (distance: number): Point => ({ x: line.from.x + dx * distance, y: line.from.y + dy * distance });
  return enter > leave ? { from: at(leave), to: at(enter) } : { from: at(length / 2), to: at(length / 2) };
}
