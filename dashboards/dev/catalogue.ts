/** A part of the metric catalogue: what the overview shows, and some of each kind. */

import type { MetricInfo } from '../src/api/types.ts';

export const metrics: MetricInfo[] = [
  { id: 'm1', name: 'Value created', formula: 'C = Σ non-money (v_to − v_from) − external costs', unit: 'money', group: 'fast', levels: ['design'], basis: 'all', direction: 'higher', explanation: 'What all exchanges together are worth to those who receive, less what they cost those who give.' },
  { id: 'm6', name: 'Gross', formula: 'Σ money from final payers', unit: 'money', group: 'fast', levels: ['design'], basis: 'money', direction: 'higher', explanation: 'The money that enters the ecosystem from those who finally pay; it is what gets shared.' },
  { id: 'm9', name: 'Concentration', formula: 'Σ s_i² × 10,000', unit: 'points', group: 'fast', levels: ['design'], basis: 'money', direction: 'lower', source: 'Herfindahl (1950); Hirschman (1964)', explanation: 'Herfindahl–Hirschman index of the revenue shares: 10,000 when one participant earns all.' },
  { id: 'm35', name: 'Coverage', formula: 'mapped / received', unit: '%', group: 'fast', levels: ['design'], direction: 'higher', explanation: 'Part of the received events that the value design gives a meaning to.' },
  { id: 'm47', name: 'Completeness', formula: 'events received / events the devices numbered', unit: '%', group: 'fast', levels: ['design'], direction: 'higher', explanation: 'Devices number their events, so a missing one is known to be missing.' },
  { id: 'm48', name: 'Freshness', formula: 'p95 of measured → visible', unit: 's', group: 'fast', levels: ['design'], direction: 'lower', explanation: 'How long after its measurement an event counts in these figures.' },
  { id: 'm2', name: 'Value captured', formula: 'K = Σ in v_to − Σ out v_from − costs, money included', unit: 'money', group: 'fast', levels: ['node', 'extract', 'design'], basis: 'all', direction: 'higher', explanation: 'How much better off a node is, all value counted.' },
  { id: 'm4', name: 'Capture ratio', formula: 'K / C', unit: 'ratio', group: 'fast', levels: ['node'], basis: 'all', explanation: 'A node’s part of all value created.' },
  { id: 'm16', name: 'Fairness', formula: '1 − ½ Σ |bias|', unit: 'ratio', group: 'analysis', levels: ['extract', 'design'], basis: 'all', direction: 'higher', explanation: '1 where everybody captures what it contributes.' },
  { id: 'm18', name: 'Win-win', formula: 'all K ≥ 0 and all individual drivers at their threshold', unit: 'truth', group: 'analysis', levels: ['extract', 'design'], direction: 'higher', explanation: 'Whether everybody gains and gets where it wants to.' },
  { id: 'm18.part', name: 'Satisfied nodes', formula: 'nodes with K ≥ 0 and all individual drivers at their threshold / nodes', unit: '%', group: 'analysis', levels: ['extract', 'design'], direction: 'higher', explanation: 'The part of the nodes that gain and get where they want to.' },
  { id: 'm22', name: 'Loop gain', formula: 'product of the lag-1 log-log elasticities along the loop', unit: 'ratio', group: 'analysis', levels: ['loop'], basis: 'all', explanation: 'Above 1, more in one window went with still more in later ones.' },
  { id: 'm25', name: 'Robustness', formula: '1 − max of m24 over replaceable nodes', unit: 'ratio', group: 'analysis', levels: ['design'], basis: 'all', direction: 'higher', explanation: 'What is left after the worst loss of one node.' },
  { id: 'm38', name: 'Design distance', formula: '0.5 (1 − weighted Jaccard of exchanges) + …', unit: 'ratio', group: 'analysis', levels: ['design'], explanation: 'How far the other design is from this one.', source: 'Jaccard (1901) for each part' },
];
