/**
 * What makes a picture of places and lines hard to read, as costs in pixels of line length.
 * Every answer depends on places only, and there are few of them: each is worked out once and then looked up.
 */

import { crosses, grow, lengthOf, overlap, spanInside, type Box, type Point, type Segment, type Size } from './geometry';

const crossingCost = 260;
const throughCardCost = 900;
const overlapCost = 3000;
const shortLineCost = 4;
const narrowAngleCost = 500;
const narrowAngle = Math.PI / 7;
const cardMargin = 10;
/** Lanes above this number are taken for this number. */
const mostLanes = 8;

export class Readability {
  private readonly count: number;
  private readonly boxes: Box[];
  // One number for each combination of places; NaN until it is asked for.
  private readonly overlaps: Float64Array;
  private readonly lines: Float64Array;
  private readonly angles: Float64Array;
  private readonly covers: Float64Array;
  private readonly crossings: Float64Array;

  constructor(
    private readonly places: readonly Point[],
    private readonly card: Size,
    private readonly label: Size,
  ) {
    const count = (this.count = places.length);
    this.boxes = places.map((place) => grow({ ...place, ...card }, cardMargin));
    this.overlaps = new Float64Array(count ** 2).fill(NaN);
    this.lines = new Float64Array(count ** 2 * (mostLanes + 1)).fill(NaN);
    this.angles = new Float64Array(count ** 3).fill(NaN);
    this.covers = new Float64Array(count ** 3).fill(NaN);
    this.crossings = new Float64Array(count ** 4).fill(NaN);
  }

  /** Charge for cards at a and b lying on each other. */
  overlap(a: number, b: number): number {
    const index = a * this.count + b;
    const known = this.overlaps[index] as number;
    return Number.isNaN(known) ? (this.overlaps[index] = this.overlapOf(a, b)) : known;
  }

  /** Length of the line a–b, plus a charge when its visible part cannot carry its labels side by side. */
  line(a: number, b: number, lanes: number): number {
    const index = (a * this.count + b) * (mostLanes + 1) + Math.min(lanes, mostLanes);
    const known = this.lines[index] as number;
    return Number.isNaN(known) ? (this.lines[index] = this.lineOf(a, b, lanes)) : known;
  }

  /** Charge for the line a–b running under a card at c. */
  cover(a: number, b: number, c: number): number {
    const index = (a * this.count + b) * this.count + c;
    const known = this.covers[index] as number;
    return Number.isNaN(known) ? (this.covers[index] = this.coverOf(a, b, c)) : known;
  }

  /** Charge for the lines a–b and c–d crossing. */
  crossing(a: number, b: number, c: number, d: number): number {
    const index = ((a * this.count + b) * this.count + c) * this.count + d;
    const known = this.crossings[index] as number;
    return Number.isNaN(known) ? (this.crossings[index] = this.crossingOf(a, b, c, d)) : known;
  }

  /** Charge for lines from `origin` to a and to b that leave almost together and so hide each other's labels. */
  angle(origin: number, a: number, b: number): number {
    const index = (origin * this.count + a) * this.count + b;
    const known = this.angles[index] as number;
    return Number.isNaN(known) ? (this.angles[index] = this.angleOf(origin, a, b)) : known;
  }

  private overlapOf(a: number, b: number): number {
    return overlap(this.boxes[a] as Box, this.boxes[b] as Box) > 0 ? overlapCost : 0;
  }

  private lineOf(a: number, b: number, lanes: number): number {
    const line = this.segment(a, b);
    const length = lengthOf(line);
    const across = Math.abs(line.to.x - line.from.x) / length;
    const upright = Math.sqrt(1 - across * across);
    const hidden = Math.min(this.card.width / Math.max(across, 0.01), this.card.height / Math.max(upright, 0.01));
    const needed = across * this.label.width + (1 - across) * this.label.height * (lanes + 1);
    return length + Math.max(0, needed + hidden - length) * shortLineCost;
  }

  private coverOf(a: number, b: number, c: number): number {
    return spanInside(this.segment(a, b), this.boxes[c] as Box) === null ? 0 : throughCardCost;
  }

  private crossingOf(a: number, b: number, c: number, d: number): number {
    return crosses(this.segment(a, b), this.segment(c, d)) ? crossingCost : 0;
  }

  private angleOf(origin: number, a: number, b: number): number {
    const difference = Math.abs(this.direction(origin, a) - this.direction(origin, b));
    const angle = Math.min(difference, 2 * Math.PI - difference);
    return angle >= narrowAngle ? 0 : narrowAngleCost * (1 - angle / narrowAngle);
  }

  private segment(a: number, b: number): Segment {
    return { from: this.places[a] as Point, to: this.places[b] as Point };
  }

  private direction(from: number, to: number): number {
    const [start, end] = [this.places[from] as Point, this.places[to] as Point];
    return Math.atan2(end.y - start.y, end.x - start.x);
  }
}
