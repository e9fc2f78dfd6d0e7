/**
 * An EV-charging ecosystem that lives only in memory, so that the dashboards can be developed without a backend.
 * Terms and valuations are those of the roaming example: whole micro-units of money per watt-hour, hence exact.
 */

import type { MapFlow, MapNode, Medium, Overview, Share, WindowName } from '../src/api/types.ts';

interface Actor {
  id: string;
  name: string;
  role: string;
  kind: string;
  devices: number;
  silent: number;
}

/** An exchange between roles: worth to giver and receiver in 10⁻⁶ of the currency for each watt-hour. */
interface Term {
  exchange: string;
  name: string;
  from: string;
  to: string;
  medium: Medium;
  object: string;
  giver: number;
  receiver: number;
  unit: 'kWh' | 'reports' | 'sessions';
}

const actors: Actor[] = [
  { id: 'drivers', name: 'Drivers', role: 'driver', kind: 'market_segment', devices: 0, silent: 0 },
  { id: 'volt-pass', name: 'Volt Pass', role: 'emsp', kind: 'organisation', devices: 0, silent: 0 },
  { id: 'e-roamer', name: 'E-Roamer', role: 'emsp', kind: 'organisation', devices: 0, silent: 0 },
  { id: 'roam-hub', name: 'Roam Hub', role: 'hub', kind: 'organisation', devices: 0, silent: 0 },
  { id: 'city-charge', name: 'City Charge', role: 'cpo', kind: 'organisation', devices: 12, silent: 2 },
  { id: 'mall-42', name: 'Mall 42', role: 'host', kind: 'organisation', devices: 5, silent: 1 },
  { id: 'library', name: 'Public Library', role: 'host', kind: 'organisation', devices: 3, silent: 0 },
  { id: 'rec-center', name: 'Recreation Center', role: 'host', kind: 'organisation', devices: 4, silent: 1 },
  { id: 'river-power', name: 'River Power', role: 'energy', kind: 'organisation', devices: 0, silent: 0 },
  { id: 'rivertown', name: 'Rivertown', role: 'city', kind: 'organisation', devices: 0, silent: 0 },
  { id: 'charge-points', name: 'Charge points', role: 'charger', kind: 'smart_sensor', devices: 12, silent: 2 },
];

const terms: Term[] = [
  { exchange: 'charging-fee', name: 'Charging fee', from: 'driver', to: 'emsp', medium: 'money', object: 'fee', giver: 500, receiver: 500, unit: 'kWh' },
  { exchange: 'charging-access', name: 'Charging access', from: 'emsp', to: 'driver', medium: 'service', object: 'charge', giver: 0, receiver: 620, unit: 'kWh' },
  { exchange: 'roaming-fee', name: 'Roaming fee', from: 'emsp', to: 'hub', medium: 'money', object: 'fee', giver: 50, receiver: 50, unit: 'kWh' },
  { exchange: 'roaming', name: 'Roaming', from: 'hub', to: 'emsp', medium: 'service', object: 'clearing', giver: 5, receiver: 0, unit: 'sessions' },
  { exchange: 'session-price', name: 'Session price', from: 'emsp', to: 'cpo', medium: 'money', object: 'fee', giver: 350, receiver: 350, unit: 'kWh' },
  { exchange: 'charging', name: 'Charging', from: 'cpo', to: 'emsp', medium: 'service', object: 'charge', giver: 80, receiver: 0, unit: 'kWh' },
  { exchange: 'energy-cost', name: 'Energy cost', from: 'cpo', to: 'energy', medium: 'money', object: 'fee', giver: 200, receiver: 200, unit: 'kWh' },
  { exchange: 'electricity', name: 'Electricity', from: 'energy', to: 'cpo', medium: 'good', object: 'electricity', giver: 160, receiver: 0, unit: 'kWh' },
  { exchange: 'site-rent', name: 'Site rent', from: 'cpo', to: 'host', medium: 'money', object: 'fee', giver: 15, receiver: 15, unit: 'kWh' },
  { exchange: 'parking-bay', name: 'Parking bay', from: 'host', to: 'cpo', medium: 'service', object: 'bay', giver: 5, receiver: 0, unit: 'sessions' },
  { exchange: 'meter-data', name: 'Meter data', from: 'charger', to: 'cpo', medium: 'data', object: 'readings', giver: 0, receiver: 2, unit: 'reports' },
  { exchange: 'occupancy', name: 'Occupancy', from: 'cpo', to: 'city', medium: 'data', object: 'occupancy', giver: 0, receiver: 10, unit: 'reports' },
  { exchange: 'permit', name: 'Fast permits', from: 'city', to: 'cpo', medium: 'benefit', object: 'permit', giver: 2, receiver: 5, unit: 'reports' },
];

const payers = ['volt-pass', 'e-roamer'];
const hosts = ['mall-42', 'library', 'rec-center'];
const windowHours: Record<WindowName, number> = { '24h': 24, '7d': 168, '30d': 720, all: 9_400 };
const wattHoursPerHour = 41_300;
const wattHoursPerSession = 9_180;

/** Energy by payer and host in Wh: the only state; everything else is derived. */
type Energy = Map<string, number>;

export class Charging {
  commit = 48_211;
  private readonly live: Energy = new Map();
  private at = new Date();
  private events = 0;

  /** `started` false gives an ecosystem in which nothing has been measured yet. */
  constructor(private readonly started = true) {}

  static get participants(): { id: string; name: string; roles: string[] }[] {
    return actors.map(({ id, name, role }) => ({ id, name, roles: [role] }));
  }

  /** One more session arrives. */
  advance(): void {
    this.events += 1;
    this.commit += 1;
    this.at = new Date();
    const payer = payers[this.events % 5 < 3 ? 0 : 1] as string;
    const host = hosts[(this.events * 7) % 3] as string;
    const key = `${payer} ${host}`;
    this.live.set(key, (this.live.get(key) ?? 0) + 2_000 + ((this.events * 7_919) % 9_000));
  }

  overview(window: WindowName, view: string | null): Overview {
    const energy = this.energyOf(window);
    const total = sum(energy.values());
    const flows = this.flowsOf(energy);
    const nodes = nodesOf(flows);
    const node = nodes.find((candidate) => candidate.id === view);
    const created = node ? scaled(node.created) : total * 385;
    const captured = node ? scaled(node.captured) : created;
    const money = (value: number, growth: number) => ({ value: write(value), previous: window === 'all' ? null : write(Math.round(value / growth)) });
    const now = new Date();
    const lively = total > 0;
    const nothing = { value: null, previous: null, reason: 'no_flow' };
    const you = node ? 'You' : 'All';
    return {
      as_of: { commit: this.commit, at: this.at.toISOString(), computed_at: now.toISOString() },
      window: {
        name: window,
        start: window === 'all' ? null : new Date(now.getTime() - windowHours[window] * 3_600_000).toISOString(),
        end: now.toISOString(),
      },
      view,
      tiles: [
        { id: 'created', label: node ? 'You create' : 'Value created', figure: { metric: 'm1', unit: 'EUR', ...(lively ? money(created, 1.062) : nothing) }, note: null },
        { id: 'captured', label: node ? 'You capture' : 'Value captured', figure: { metric: 'm2', unit: 'EUR', ...(lively ? money(captured, 1.031) : nothing) }, note: null },
        { id: 'share', label: `${you === 'You' ? 'Your' : 'Its'} share of all value`, figure: { metric: 'm4', unit: 'ratio', ...(lively ? { value: ratio(captured, total * 385), previous: node ? ratio(captured * 1.028, total * 385) : '1.0000' } : nothing) }, note: null },
        { id: 'capture_ratio', label: 'Captured per € created', figure: { metric: 'm4', unit: 'ratio', ...(lively && created > 0 ? { value: ratio(captured, created), previous: null } : nothing) }, note: null },
        { id: 'events_per_minute', label: 'Events a minute', figure: { metric: 'm48', unit: 'count', value: lively ? '782' : '0', previous: null }, note: lively ? '2 s behind' : 'no event yet' },
        { id: 'silent', label: 'Silent devices', figure: { metric: 'm47', unit: 'count', value: lively ? '2' : '0', previous: lively ? '1' : null }, note: null },
      ],
      nodes,
      flows,
      gross: write(total * 500),
      shares: lively ? sharesOf(flows, total * 500) : [],
      metrics: [
        { metric: 'm1', unit: 'EUR', ...(lively ? { value: write(total * 385), previous: null } : nothing) },
        { metric: 'm6', unit: 'EUR', ...(lively ? { value: write(total * 500), previous: null } : nothing) },
        { metric: 'm9', unit: 'points', ...(lively ? { value: '2838', previous: null } : nothing) },
        { metric: 'm35', unit: '%', ...(lively ? { value: '99.94', previous: null } : nothing) },
        { metric: 'm47', unit: '%', ...(lively ? { value: '100', previous: null } : nothing) },
        { metric: 'm48', unit: 's', ...(lively ? { value: '1.8', previous: null } : nothing) },
      ],
      silent: lively ? silentDevices(now) : [],
      devices: 12,
    };
  }

  private energyOf(window: WindowName): Energy {
    const energy: Energy = new Map();
    if (!this.started) return energy;
    for (const [p, payer] of payers.entries()) {
      for (const [h, host] of hosts.entries()) {
        const key = `${payer} ${host}`;
        const part = (p === 0 ? 62 : 38) * ([46, 21, 33][h] ?? 0);
        energy.set(key, Math.round((windowHours[window] * wattHoursPerHour * part) / 10_000) + 137 * (h + 1) + (this.live.get(key) ?? 0));
      }
    }
    return energy;
  }

  private flowsOf(energy: Energy): MapFlow[] {
    return terms.flatMap((term) => {
      const from = actors.filter((actor) => actor.role === term.from);
      const to = actors.filter((actor) => actor.role === term.to);
      return from.flatMap((source) =>
        to.map((target): MapFlow => {
          const wattHours = sum([...energy].filter(([key]) => concerns(key, source) && concerns(key, target)).map(([, value]) => value));
          const sessions = Math.round(wattHours / wattHoursPerSession);
          const part = sum(energy.values()) > 0 ? wattHours / sum(energy.values()) : 0;
          const occurrences = term.unit === 'reports' ? sessions * 14 : sessions;
          const rare = term.medium === 'benefit';
          return {
            exchange: term.exchange,
            name: term.name,
            source: source.id,
            target: target.id,
            medium: term.medium,
            object: term.object,
            worth: write(rare ? 0 : wattHours * term.receiver),
            quantity: rare ? '0' : term.unit === 'kWh' ? (wattHours / 1000).toFixed(3) : String(occurrences),
            unit: term.unit,
            occurrences: rare ? 0 : occurrences,
            occurrences_per_minute: rare ? '0' : (part * (term.unit === 'reports' ? 48 : 26)).toFixed(1),
            conformance: rare || wattHours === 0 ? 'designed_only' : 'conforming',
          };
        }),
      );
    });
  }
}

/** True when energy under this key ("payer host") passes through the actor. */
function concerns(key: string, actor: Actor): boolean {
  if (actor.role === 'emsp' || actor.role === 'host') return key.split(' ').includes(actor.id);
  return true;
}

function nodesOf(flows: MapFlow[]): MapNode[] {
  const capturedBy = new Map<string, number>();
  const createdBy = new Map<string, number>();
  const add = (map: Map<string, number>, id: string, value: number) => map.set(id, (map.get(id) ?? 0) + value);
  for (const flow of flows) {
    const term = terms.find((candidate) => candidate.exchange === flow.exchange) as Term;
    const wattHours = term.receiver > 0 ? scaled(flow.worth) / term.receiver : flow.unit === 'kWh' ? Math.round(Number(flow.quantity) * 1000) : flow.occurrences * wattHoursPerSession;
    add(capturedBy, flow.target, wattHours * term.receiver);
    add(capturedBy, flow.source, -wattHours * term.giver);
    if (term.medium !== 'money') add(createdBy, flow.source, wattHours * Math.max(0, term.receiver - term.giver) * 0.62);
  }
  const total = sum([...capturedBy.values()]);
  return actors.map((actor) => ({
    id: actor.id,
    name: actor.name,
    roles: [actor.role],
    kind: actor.kind,
    created: write(Math.round(createdBy.get(actor.id) ?? 0)),
    captured: write(Math.round(capturedBy.get(actor.id) ?? 0)),
    share: total > 0 ? ratio(capturedBy.get(actor.id) ?? 0, total) : null,
    devices: actor.devices,
    silent_devices: total > 0 ? actor.silent : 0,
  }));
}

function sharesOf(flows: MapFlow[], gross: number): Share[] {
  const net = new Map<string, number>();
  for (const flow of flows.filter((candidate) => candidate.medium === 'money')) {
    net.set(flow.target, (net.get(flow.target) ?? 0) + scaled(flow.worth));
    net.set(flow.source, (net.get(flow.source) ?? 0) - scaled(flow.worth));
  }
  const positive = [...net].filter(([, value]) => value > 0).sort(([, a], [, b]) => b - a);
  // Largest remainder, as the service settles: whole cents that sum to the rounded gross.
  const cents = new Map(positive.map(([id, value]) => [id, Math.floor(value / 10_000)]));
  let missing = Math.round(gross / 10_000) - sum(cents.values());
  for (const [id] of [...positive].sort(([, a], [, b]) => (b % 10_000) - (a % 10_000))) {
    if (missing-- > 0) cents.set(id, (cents.get(id) ?? 0) + 1);
  }
  return positive.map(([id, value]) => {
    const actor = actors.find((candidate) => candidate.id === id) as Actor;
    return { participant: id, name: actor.name, roles: [actor.role], exact: write(value), settled: ((cents.get(id) ?? 0) / 100).toFixed(2), share: ratio(value, gross) };
  });
}

function silentDevices(now: Date): Overview['silent'] {
  const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString();
  return [
    { device: 'cp-09', name: 'Recreation Center, bay 2', owner: 'City Charge', last_heard: ago(11_460), silent_seconds: 11_460 },
    { device: 'cp-03', name: 'Mall 42, level 1', owner: 'City Charge', last_heard: ago(754), silent_seconds: 754 },
  ];
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** Micro-units to a decimal string with six decimals. */
function write(micro: number): string {
  const sign = micro < 0 ? '-' : '';
  const text = String(Math.abs(micro)).padStart(7, '0');
  return `${sign}${text.slice(0, -6)}.${text.slice(-6)}`;
}

function scaled(text: string): number {
  return Math.round(Number(text) * 1_000_000);
}

function ratio(part: number, whole: number): string {
  return whole === 0 ? '0' : (part / whole).toFixed(6);
}
