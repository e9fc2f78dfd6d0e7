/** Names of what the readings are of, and the words around them. */

import type { EcosystemInfo, Level, MetricReading, Overview, Zoom } from '../api/types';

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

export class Words {
  private readonly names: ReadonlyMap<string, string>;
  private readonly exchangeNames: ReadonlyMap<string, string>;

  constructor(
    private readonly ecosystem: EcosystemInfo,
    overview: Overview,
    private readonly zoom: Zoom,
  ) {
    this.names = new Map([...overview.nodes, ...ecosystem.participants].map(({ id, name }) => [id, name]));
    this.exchangeNames = new Map(overview.flows.map(({ exchange, name }) => [exchange, name]));
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
    if (level === 'exchange') return of.map((id) => this.exchange(id)).join(', ');
    if (level === 'device') return of.join(', ');
    const names = of.map((id) => this.node(id));
    if (level === 'loop') return [...names, names[0]].join(' → ');
    if (level === 'pair') return names.join(ordered.has(metric) ? ' on ' : ' and ');
    return names.join(', ');
  }

  node(id: string): string {
    return this.zoom === 'participant' ? this.participant(id) : this.role(id);
  }

  /** A role has no name of its own; who alone fills it says more than its id. */
  private role(id: string): string {
    const [one, another] = this.ecosystem.participants.filter(({ roles }) => roles.includes(id));
    return one === undefined || another !== undefined ? spelled(id) : `${spelled(id)} (${one.name})`;
  }

  participant(id: string): string {
    return this.names.get(id) ?? spelled(id);
  }

  exchange(id: string): string {
    return this.exchangeNames.get(id) ?? spelled(id);
  }
}

/** An id as words, where the API gives no name: "Site income" for "site-income". */
function spelled(id: string): string {
  const words = id.replace(/^suspense:/, 'vacant role ').replaceAll(/[-_]/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
