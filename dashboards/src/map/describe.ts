/** Words for flows and nodes, the same in the picture, the table and the lists. */

import type { MapFlow, MapNode } from '../api/types';
import { compareDecimals } from '../format/decimal';
import type { Formatter } from '../format/formatter';

export type Names = ReadonlyMap<string, string>;

export function namesOf(nodes: readonly MapNode[]): Names {
  return new Map(nodes.map((node) => [node.id, node.name]));
}

/** Why a flow that plainly occurs is worth nothing to its receiver. */
export const atCostText = 'carried through at cost: worth counted at final use';

/** True for what its receiver only passes on: its worth is counted where it is used, not here. */
export function isAtCost(flow: MapFlow): boolean {
  return flow.conformance === 'conforming' && flow.medium !== 'money' && compareDecimals(flow.worth, '0') === 0;
}

/** The flow's one figure for narrow places: its worth or, when it is carried through at cost, its quantity. */
export function amountOf(flow: MapFlow, formatter: Formatter): string {
  if (flow.conformance === 'designed_only') return '';
  return isAtCost(flow) ? formatter.compactQuantity(flow.quantity, flow.unit) : formatter.compactMoney(flow.worth);
}

/** "Charging fee: Drivers → Volt Pass, worth €12.40, 24.8 kWh in 3 occurrences, 0.6 a minute". */
export function describeFlow(flow: MapFlow, names: Names, formatter: Formatter): string {
  const ends = `${flow.name}: ${names.get(flow.source) ?? flow.source} → ${names.get(flow.target) ?? flow.target}`;
  if (flow.conformance === 'designed_only') return `${ends}, designed, not measured in this window`;
  const rate = `${formatter.number('rate', flow.occurrences_per_minute)} a minute`;
  const amount = flow.unit === 'count' ? occurrencesOf(flow, formatter) : `${quantityOf(flow, formatter)} in ${occurrencesOf(flow, formatter)}`;
  return `${ends}, ${isAtCost(flow) ? atCostText : `worth ${formatter.money(flow.worth)}`}, ${amount}, ${rate}`;
}

export function quantityOf(flow: MapFlow, formatter: Formatter): string {
  return formatter.quantity(flow.quantity, flow.unit);
}

export function describeNode(node: MapNode, formatter: Formatter): string {
  const parts = [
    `${node.name}${node.roles.length > 0 ? ` (${node.roles.join(', ')})` : ''}`,
    `contributes ${formatter.money(node.contributed)}`,
    `captures ${formatter.money(node.captured)}`,
  ];
  const share = formatter.part(node.share);
  if (share !== null) parts.push(`${share} of all value`);
  if (node.devices > 0) parts.push(`${formatter.number('count', String(node.devices))} devices, ${node.silent_devices} silent`);
  return parts.join(', ');
}

function occurrencesOf(flow: MapFlow, formatter: Formatter): string {
  const count = formatter.number('count', String(flow.occurrences));
  return flow.occurrences === 1 ? `${count} occurrence` : `${count} occurrences`;
}
