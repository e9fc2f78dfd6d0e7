/** Lines of the page: a metric over money and the same over all value beside each other, with what was read. */

import type { Basis, EcosystemInfo, Level, MetricInfo, MetricReading, Overview, Zoom } from '../api/types';
import { familyOf } from './questions';

/** One metric; `none` counts no value, such as a share of events. */
export interface Row {
  id: string;
  name: string;
  infos: Partial<Record<Basis | 'none', MetricInfo>>;
}

/** What was read of one metric. */
export interface Reading {
  info: MetricInfo;
  /** Of what the page is about: the design, or one node; null where it is of parts only. */
  whole: MetricReading | null;
  parts: readonly MetricReading[];
  /** Of every node that has a value, in focus or not. */
  peers: readonly MetricReading[];
}

/** Whose figures the page shows; null for the whole ecosystem's. */
export interface Focus {
  nodes: ReadonlySet<string>;
  exchanges: ReadonlySet<string>;
}

/** A participant's own, or its roles' where a role counts as a node. */
export function focusOn(participant: string, zoom: Zoom, ecosystem: EcosystemInfo, overview: Overview): Focus {
  const roles = ecosystem.participants.find(({ id }) => id === participant)?.roles ?? [];
  const flows = overview.flows.filter(({ source, target }) => source === participant || target === participant);
  return {
    nodes: new Set(zoom === 'role' ? roles : [participant]),
    exchanges: new Set(flows.map(({ exchange }) => exchange)),
  };
}

/** Rows in the order of `infos`: metrics that differ in their basis alone share one. */
export function rowsOf(infos: readonly MetricInfo[]): Row[] {
  const rows = new Map<string, Row>();
  for (const info of infos) {
    const basis = info.basis ?? 'none';
    const stem = stemOf(info);
    const row = rows.get(stem);
    if (row === undefined || row.infos[basis] !== undefined) {
      rows.set(row === undefined ? stem : info.id, { id: info.id, name: info.name, infos: { [basis]: info } });
      continue;
    }
    row.infos[basis] = info;
    if (isPlain(info)) Object.assign(row, { id: info.id, name: info.name });
  }
  return [...rows.values()];
}

/** The metric's id without its basis: "m9.normalised" for "m9.all-normalised". */
function stemOf(info: MetricInfo): string {
  const [variant = ''] = info.id.split('.').slice(1);
  return info.basis == null ? info.id : `${familyOf(info.id)}.${variant.replace(/^(all|money)(-|$)/, '')}`;
}

function isPlain({ id }: MetricInfo): boolean {
  return !/\.(all|money)(-|$)/.test(id);
}

/** A metric with its own readings, `all`; null where none is in focus. */
export function readingOf(info: MetricInfo, all: readonly MetricReading[], focus: Focus | null): Reading | null {
  const own = all.filter((reading) => isInFocus(reading, focus));
  const isWhole = (reading: MetricReading): boolean =>
    focus === null ? reading.level === 'design' : reading.level === 'node' && focus.nodes.size === 1;
  const whole = own.find(isWhole) ?? null;
  const parts = own.filter((reading) => !isWhole(reading));
  const peers = all.filter(({ level, value }) => level === 'node' && value !== null);
  return whole === null && parts.length === 0 ? null : { info, whole, parts, peers };
}

/** Whether the page can say anything of the metric before it is read. */
export function mayBeRead(info: MetricInfo, focus: Focus | null): boolean {
  return focus === null || info.levels.some((level) => levelsOfNode.includes(level));
}

const levelsOfNode: readonly Level[] = ['node', 'pair', 'loop', 'exchange'];

/** Devices, drivers and interfaces do not say whose they are. */
function isInFocus(reading: MetricReading, focus: Focus | null): boolean {
  if (focus === null) return true;
  if (reading.level === 'exchange') return reading.of.some((id) => focus.exchanges.has(id));
  return levelsOfNode.includes(reading.level) && reading.of.some((id) => focus.nodes.has(id));
}

/** What a picture of all nodes shows: of all value where there is that, and nothing for what is true or not. */
export function peersOf(row: Row, readings: ReadonlyMap<string, Reading>): readonly MetricReading[] {
  const { money, all, none } = row.infos;
  const found = [all, money, none].map((info) => readings.get(info?.id ?? '')?.peers ?? []).find(({ length }) => length > 1);
  return found === undefined || found[0]?.unit === 'truth' ? [] : found;
}

/** The readings by what `keyOf` says of them, in the order in which they came. */
export function groupedBy<K>(readings: readonly MetricReading[], keyOf: (reading: MetricReading) => K): Map<K, MetricReading[]> {
  const groups = new Map<K, MetricReading[]>();
  for (const reading of readings) {
    const group = groups.get(keyOf(reading));
    if (group === undefined) groups.set(keyOf(reading), [reading]);
    else group.push(reading);
  }
  return groups;
}
