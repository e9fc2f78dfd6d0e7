/** Makes a crowd of an ecosystem: more site hosts, to see the map with more than twelve participants. */

import type { Overview } from '../src/api/types.ts';

export function crowd(overview: Overview, more = 20): Overview {
  const host = overview.nodes.find((node) => node.id === 'library');
  if (host === undefined) return overview;
  const ids = Array.from({ length: more }, (_, index) => `site-${index + 1}`);
  return {
    ...overview,
    nodes: [...overview.nodes, ...ids.map((id) => ({ ...host, id, name: id.replace('site-', 'Site ') }))],
    flows: overview.flows.flatMap((flow) => [
      flow,
      ...(flow.source === 'library' ? ids.map((id) => ({ ...flow, source: id })) : []),
      ...(flow.target === 'library' ? ids.map((id) => ({ ...flow, target: id })) : []),
    ]),
  };
}
