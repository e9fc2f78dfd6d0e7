/** The part of the metric catalogue that the overview shows. */

import type { MetricInfo } from '../src/api/types.ts';

export const metrics: MetricInfo[] = [
  { id: 'm1', name: 'value created', formula: 'C = Σ non-money (v_to − v_from) − external costs', unit: 'money', group: 'fast', levels: ['design'], explanation: 'What all exchanges together are worth to those who receive, less what they cost those who give.' },
  { id: 'm6', name: 'gross', formula: 'Σ money from final payers', unit: 'money', group: 'fast', levels: ['design'], explanation: 'The money that enters the ecosystem from those who finally pay; it is what gets shared.' },
  { id: 'm9', name: 'concentration', formula: 'Σ s_i² × 10,000', unit: 'points', group: 'fast', levels: ['design'], explanation: 'Herfindahl–Hirschman index of the revenue shares: 10,000 when one participant earns all.' },
  { id: 'm35', name: 'coverage', formula: 'mapped / received', unit: '%', group: 'fast', levels: ['design'], explanation: 'Part of the received events that the value design gives a meaning to.' },
  { id: 'm47', name: 'completeness', formula: 'events received / events the devices numbered', unit: '%', group: 'fast', levels: ['design'], explanation: 'Devices number their events, so a missing one is known to be missing.' },
  { id: 'm48', name: 'freshness', formula: 'p95 of measured → visible', unit: 's', group: 'fast', levels: ['design'], explanation: 'How long after its measurement an event counts in these figures.' },
];
