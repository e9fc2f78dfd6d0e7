/** Metrics and analyses that agree with the overview of the example, of every situation that the page can show. */

import type { AnalysesAnswer, DesignRef, MetricReading, MetricsAnswer, Overview } from '../src/api/types.ts';

export const design: DesignRef = { id: 'ev-roaming', version: 1, hash: 'b2c91f', name: 'EV charging with roaming' };

const windows = 4;

export function metricsOf(overview: Overview): MetricsAnswer {
  return {
    ...commonOf(overview),
    names: namesOf(overview),
    readings: [
      ...overview.metrics.map((figure) => reading(figure.metric, 'design', [], figure)),
      ...overview.nodes.flatMap((node) => [
        reading('m2', 'node', [node.id], { value: node.captured, unit: 'EUR' }),
        reading('m4', 'node', [node.id], node.share),
      ]),
      reading('m2', 'design', [], { value: overview.tiles[0]?.figure.value ?? null, unit: 'EUR', reason: 'no_flow' }),
    ],
    unrated: overview.unrated ?? [],
    estimates: [
      { exchange: 'charging-access', name: 'Charging access', side: 'receiver', amount: '0.62', method: 'willingness_to_pay', confidence: 'medium' },
      { exchange: 'occupancy', name: 'Occupancy', side: 'receiver', amount: '5', method: 'scale_5_3_1', confidence: null },
    ],
  };
}

export function analysesOf(overview: Overview): AnalysesAnswer {
  const lively = overview.flows.some((flow) => flow.occurrences > 0);
  const known = (value: string, unit: string): Part => (lively ? { value, unit } : { value: null, unit, reason: 'no_flow' });
  return {
    ...commonOf(overview),
    names: namesOf(overview),
    is_current: overview.as_of.commit % 2 === 0,
    is_computing: overview.as_of.commit % 2 === 1,
    windows,
    against: null,
    readings: [
      reading('m16', 'design', [], known('0.745', 'ratio')),
      reading('m18', 'design', [], known('0', 'truth')),
      reading('m18.part', 'design', [], known('87.5', '%')),
      reading('m25', 'design', [], known('0.34', 'ratio')),
      reading('m22', 'loop', ['city-charge', 'rivertown', 'drivers'], { value: null, unit: 'ratio', reason: 'too_few_windows' }),
      reading('m38', 'design', [], { value: null, unit: 'ratio', reason: 'not_given' }),
    ],
    candidates: [],
  };
}

type Part = Pick<MetricReading, 'value' | 'unit'> & { reason?: string | null; previous?: string | null };

function reading(metric: string, level: MetricReading['level'], of: string[], part: Part): MetricReading {
  const { value, unit, reason = null, previous = null } = part;
  return { metric, level, of, value, unit, reason: value === null ? (reason ?? 'no_flow') : null, previous };
}

function namesOf({ nodes, flows }: Overview): MetricsAnswer['names'] {
  const participants = Object.fromEntries(nodes.map(({ id, name }) => [id, name]));
  return {
    node: participants,
    loop: participants,
    exchange: Object.fromEntries(flows.map(({ exchange, name }) => [exchange, name])),
  };
}

function commonOf({ as_of, window }: Overview): Pick<MetricsAnswer, 'as_of' | 'design' | 'currency' | 'window' | 'zoom'> {
  return { as_of, design, currency: 'EUR', window: { name: window.name, start: window.start, end: window.end }, zoom: 'participant' };
}
