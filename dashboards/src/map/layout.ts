/**
 * Places nodes: the best connected one becomes the hub, the others take places on the rings.
 * Which node takes which place is found by simulated annealing with a fixed seed, so the same design always gives
 * the same picture.
 */

import { crosses, grow, lengthOf, spanInside, type Box, type Point, type Segment, type Size } from './geometry';
import { slotsFor } from './slots';

/** Two nodes with at least one exchange between them. */
export interface Pair {
  a: string;
  b: string;
  /** Exchanges between them, in both directions. */
  lanes: number;
}

/** Weights of what makes a picture hard to read, against one pixel of line length. */
const crossingCost = 260;
const throughNodeCost = 900;
const shortLineCost = 4;
const narrowAngleCost = 500;
/** Work limit: moves × pairs². Keeps a map of 40 participants as quick as one of 12. */
const work = 6_000_000;

interface Edge {
  a: number;
  b: number;
  lanes: number;
}

/** Centre of every node inside `area`. `card` is the size of a node; labels on lines are about `label` wide. */
export function placeNodes(ids: readonly string[], pairs: readonly Pair[], area: Size, card: Size, label: Size): Map<string, Point> {
  const order = byDegree(ids, pairs);
  const { hub, others } = slotsFor(ids.length);
  const places = [hub, ...others].map((slot) => ({
    x: area.width / 2 + (slot.x * (area.width - card.width)) / 2,
    y: area.height / 2 + (slot.y * (area.height - card.height)) / 2,
  }));
  const index = new Map(order.map((id, position) => [id, position]));
  const edges = pairs.map(({ a, b, lanes }) => ({ a: index.get(a) ?? 0, b: index.get(b) ?? 0, lanes }));
  const seats = anneal(order.length, places, edges, card, label);
  return stretch(new Map(order.map((id, node) => [id, places[seats[node] ?? 0] ?? { x: 0, y: 0 }])), area, card);
}

function byDegree(ids: readonly string[], pairs: readonly Pair[]): string[] {
  const degree = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const pair of pairs) for (const id of [pair.a, pair.b]) degree.set(id, (degree.get(id) ?? 0) + 1);
  return [...ids].sort((a, b) => (degree.get(b) ?? 0) - (degree.get(a) ?? 0) || (a < b ? -1 : 1));
}

/** The place of each node by index. Node 0, the hub, keeps place 0. */
function anneal(count: number, places: Point[], edges: Edge[], card: Size, label: Size): number[] {
  const random = generator(20_14);
  const seats = places.map((_, place) => place);
  const moves = Math.min(20_000, Math.ceil(work / Math.max(1, edges.length ** 2)));
  if (count < 3) return seats;
  let cost = costOf(seats, count, places, edges, card, label);
  let best = { cost, seats: [...seats] };
  for (let move = 0; move < moves; move++) {
    const temperature = 400 * (1 - move / moves) ** 2 + 0.01;
    const node = 1 + Math.floor(random() * (count - 1));
    const other = 1 + Math.floor(random() * (seats.length - 1));
    swap(seats, node, other);
    const changed = costOf(seats, count, places, edges, card, label);
    if (changed <= cost || random() < Math.exp((cost - changed) / temperature)) {
      cost = changed;
      if (cost < best.cost) best = { cost, seats: [...seats] };
    } else {
      swap(seats, node, other);
    }
  }
  return best.seats;
}

function costOf(seats: number[], count: number, places: Point[], edges: Edge[], card: Size, label: Size): number {
  const at = (node: number): Point => places[seats[node] ?? 0] ?? { x: 0, y: 0 };
  const lines = edges.map(({ a, b }) => ({ from: at(a), to: at(b) }));
  const boxes = Array.from({ length: count }, (_, node): Box => grow({ ...at(node), ...card }, 10));
  let cost = 0;
  edges.forEach((edge, i) => {
    const line = lines[i] as Segment;
    cost += lineCost(line, edge.lanes, card, label);
    boxes.forEach((box, node) => {
      if (node !== edge.a && node !== edge.b && spanInside(line, box) !== null) cost += throughNodeCost;
    });
    for (let j = 0; j < i; j++) {
      const other = edges[j] as Edge;
      const shared = edge.a === other.a || edge.a === other.b ? edge.a : edge.b === other.a || edge.b === other.b ? edge.b : null;
      if (shared !== null) cost += angleCost(shared, edge, other, at);
      else if (crosses(line, lines[j] as Segment)) cost += crossingCost;
    }
  });
  return cost + boxes.reduce((sum, box, node) => sum + (boxes.some((other, o) => o < node && touches(box, other)) ? throughNodeCost : 0), 0);
}

/** Length, plus a charge for lines whose visible part cannot carry their labels side by side. */
function lineCost(line: Segment, lanes: number, card: Size, label: Size): number {
  const length = lengthOf(line);
  const across = Math.abs(line.to.x - line.from.x) / length;
  const hidden = Math.min(card.width / Math.max(across, 0.01), card.height / Math.max(Math.sqrt(1 - across * across), 0.01));
  const needed = across * label.width + (1 - across) * label.height * (lanes + 1);
  return length + Math.max(0, needed + hidden - length) * shortLineCost;
}

/** Lines that leave a node almost together hide each other's labels. */
function angleCost(shared: number, left: Edge, right: Edge, at: (node: number) => Point): number {
  const origin = at(shared);
  const [p, q] = [at(left.a === shared ? left.b : left.a), at(right.a === shared ? right.b : right.a)];
  const difference = Math.abs(Math.atan2(p.y - origin.y, p.x - origin.x) - Math.atan2(q.y - origin.y, q.x - origin.x));
  const angle = Math.min(difference, 2 * Math.PI - difference);
  const narrow = Math.PI / 7;
  return angle >= narrow ? 0 : narrowAngleCost * (1 - angle / narrow);
}

function touches(a: Box, b: Box): boolean {
  return Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2;
}

/** Spreads the used places over the whole area: places left free must not leave a margin. */
function stretch(points: Map<string, Point>, area: Size, card: Size): Map<string, Point> {
  const all = [...points.values()];
  const fit = (values: number[], total: number, own: number): ((value: number) => number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => (high === low ? total / 2 : own / 2 + ((value - low) / (high - low)) * (total - own));
  };
  const x = fit(all.map((point) => point.x), area.width, card.width);
  const y = fit(all.map((point) => point.y), area.height, card.height);
  return new Map([...points].map(([id, point]) => [id, { x: x(point.x), y: y(point.y) }]));
}

function swap(seats: number[], a: number, b: number): void {
  [seats[a], seats[b]] = [seats[b] as number, seats[a] as number];
}

/** Park and Miller's minimal standard generator, 0..1: a picture must not depend on Math.random. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
