/** Names of what the readings are of, and the words around them. */

import type { EcosystemInfo, Level, MetricReading, MetricsAnswer, Zoom } from '../api/types';

/** One and several of each level. */
const levelWords: Record<Level, readonly [string, string]> = {
  exchange: ['exchange', 'exchanges'],
  node: ['participant', 'participants'],
  pair: ['pair', 'pairs'],
  interface: ['interface', 'interfaces'],
  driver: ['driver', 'drivers'],
  role: ['vacant role', 'vacant roles'],
  device: ['device', 'devices'],
  loop: ['loop', 'loops'],
  cluster: ['kind of event', 'kinds of events'],
  extract: ['extract', 'extracts'],
  design: ['design', 'designs'],
};

/** Metrics that are of the first of a pair, as it depends on the second. */
const ordered = new Set(['m40']);

/** How units are called behind a number that does not say its own. */
export const unitWords: Readonly<Record<string, string>> = { points: 'points' };

/** Levels whose readings are of nodes, which are roles where the page zooms to them. */
const ofNodes: readonly Level[] = ['node', 'pair', 'loop'];

/** An answer with the names of all that it reads. */
type Naming = Pick<MetricsAnswer, 'names'>;

export class Words {
  private readonly namings: readonly Naming[];

  constructor(
    private readonly ecosystem: EcosystemInfo,
    private readonly zoom: Zoom,
    answers: readonly (Naming | null)[],
  ) {
    this.namings = answers.filter((answer) => answer !== null);
  }

  /** "11 participants". */
  count(level: Level, count: number): string {
    return `${count} ${this.levelName(level, count)}`;
  }

  levelName(level: Level, count: number): string {
    const [one, several] = level === 'node' && this.zoom === 'role' ? ['role', 'roles'] : levelWords[level];
    return count === 1 ? one : several;
  }

  /** What a reading is of, such as "City Charge and Library". */
  of({ metric, level, of }: MetricReading): string {
    const names = of.map((id) => this.name(level, id));
    if (level === 'loop') return [...names, names[0]].join(' → ');
    if (level === 'pair') return names.join(ordered.has(metric) ? ' on ' : ' and ');
    return names.join(', ');
  }

  private name(level: Level, id: string): string {
    const name = this.namings.map(({ names }) => names[level]?.[id]).find((each) => each !== undefined) ?? id;
    return this.zoom === 'role' && ofNodes.includes(level) ? this.withFiller(id, name) : name;
  }

  /** A role with who alone fills it, such as "Roaming hub (Roam Hub)". */
  private withFiller(role: string, name: string): string {
    const [one, another] = this.ecosystem.participants.filter(({ roles }) => roles.includes(role));
    return one === undefined || another !== undefined || one.name === name ? name : `${name} (${one.name})`;
  }
}
