/**
 * Places nodes: the best connected one becomes the hub, the others take places on the rings.
 * Which node takes which place is found by simulated annealing with a fixed seed, so the same design always gives
 * the same picture.
 */

import type { Point, Size } from './geometry';
import { Readability } from './readability';
import { slotsFor } from './slots';

/** Two nodes with at least one exchange between them. */
export interface Pair {
  a: string;
  b: string;
  /** Exchanges between them, in both directions. */
  lanes: number;
}

/** Two nodes by index. */
interface Edge {
  a: number;
  b: number;
  lanes: number;
}

const startTemperature = 400;
/** Work limit: moves × pairs². Keeps a map of 40 participants as quick as one of 12. */
const work = 4_000_000;
const mostMoves = 20_000;

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
  const seats = anneal(order.length, places.length, edges, new Readability(places, card, label));
  return stretch(new Map(order.map((id, node) => [id, places[seats[node] as number] as Point])), area, card);
}

function byDegree(ids: readonly string[], pairs: readonly Pair[]): string[] {
  const degree = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const pair of pairs) for (const id of [pair.a, pair.b]) degree.set(id, (degree.get(id) ?? 0) + 1);
  return [...ids].sort((a, b) => (degree.get(b) ?? 0) - (degree.get(a) ?? 0) || (a < b ? -1 : 1));
}

/** The place of each node by index. Node 0, the hub, keeps place 0; places beyond the nodes stay free. */
function anneal(nodes: number, places: number, edges: readonly Edge[], readability: Readability): number[] {
  const seats = Array.from({ length: places }, (_, place) => place);
  if (nodes < 3) return seats;
  const random = generator(2014);
  const moves = Math.min(mostMoves, Math.ceil(work / Math.max(1, edges.length ** 2)));
  let cost = costOf(seats, nodes, edges, readability);
  let best = { cost, seats: [...seats] };
  for (let move = 0; move < moves; move++) {
    const temperature = startTemperature * (1 - move / moves) ** 2 + 0.01;
    const node = 1 + Math.floor(random() * (nodes - 1));
    const other = 1 + Math.floor(random() * (places - 1));
    swap(seats, node, other);
    const changed = costOf(seats, nodes, edges, readability);
    if (changed <= cost || random() < Math.exp((cost - changed) / temperature)) {
      cost = changed;
      if (cost < best.cost) best = { cost, seats: [...seats] };
    } else {
      swap(seats, node, other);
    }
  }
  return best.seats;
}

function costOf(seats: readonly number[], nodes: number, edges: readonly Edge[], readability: Readability): number {
  let cost = 0;
  for (let node = 0; node < nodes; node++) {
    for (let other = 0; other < node; other++) cost += readability.overlap(seats[node] as number, seats[other] as number);
  }
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i] as Edge;
    const a = seats[edge.a] as number;
    const b = seats[edge.b] as number;
    cost += readability.line(a, b, edge.lanes);
    for (let node = 0; node < nodes; node++) {
      if (node !== edge.a && node !== edge.b) cost += readability.cover(a, b, seats[node] as number);
    }
    for (let j = 0; j < i; j++) cost += costOfTwo(edge, edges[j] as Edge, seats, readability);
  }
  return cost;
}

function costOfTwo(left: Edge, right: Edge, seats: readonly number[], readability: Readability): number {
  const a = seats[left.a] as number;
  const b = seats[left.b] as number;
  const c = seats[right.a] as number;
  const d = seats[right.b] as number;
  if (a === c) return readability.angle(a, b, d);
  if (a === d) return readability.angle(a, b, c);
  if (b === c) return readability.angle(b, a, d);
  if (b === d) return readability.angle(b, a, c);
  return readability.crossing(a, b, c, d);
}

/** Spreads the used places over the whole area: places left free must not leave a margin. */
function stretch(points: Map<string, Point>, area: Size, card: Size): Map<string, Point> {
  const all = [...points.values()];
  const x = spread(all.map((point) => point.x), area.width, card.width);
  const y = spread(all.map((point) => point.y), area.height, card.height);
  return new Map([...points].map(([id, point]) => [id, { x: x(point.x), y: y(point.y) }]));
}

/** Maps the range of `values` onto 0..total less half of `own` at either end. */
function spread(values: readonly number[], total: number, own: number): (value: number) => number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (value) => (high === low ? total / 2 : own / 2 + ((value - low) / (high - low)) * (total - own));
}

function swap(seats: number[], a: number, b: number): void {
  const seat = seats[a] as number;
  seats[a] = seats[b] as number;
  seats[b] = seat;
}

/** Park and Miller's minimal standard generator, 0..1: a picture must not depend on Math.random. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
