/**
 * An EV-charging ecosystem that lives only in memory, so that the dashboards can be developed without a backend.
 * Terms and valuations are those of the roaming example: whole micro-units of money per watt-hour, hence exact.
 */

import type { Figure, MapFlow, MapNode, Overview, Share, Tile, WindowName } from '../src/api/types.ts';
import { actors, terms, type Actor, type Term } from './design.ts';

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
    const now = new Date();
    const lively = total > 0;
    const figure = (metric: string, unit: string, value: string, previous: string | null = null): Figure =>
      lively ? { metric, unit, value, previous: window === 'all' ? null : previous } : { metric, unit, value: null, previous: null, reason: 'no_flow' };
    const money = (metric: string, micro: number, growth: number): Figure => figure(metric, 'EUR', write(micro), write(Math.round(micro / growth)));
    const headline: Tile[] = node
      ? [
          { id: 'captured', label: 'You capture', figure: money('m2', scaled(node.captured), 1.031), note: null },
          { id: 'net_cash', label: 'Your net cash', figure: money('m3', netCash(flows).get(node.id) ?? 0, 1.062), note: null },
          { id: 'share', label: 'Your share of all value', figure: figure('m4', 'ratio', node.share.value ?? '0', ratio(scaled(node.captured) * 1.027, total * 385)), note: null },
          { id: 'capture_ratio', label: 'Captured per contributed', figure: figure('m5', 'ratio', ratio(scaled(node.captured), scaled(node.contributed))), note: null },
        ]
      : [
          { id: 'created', label: 'Value created', figure: money('m1', total * 385, 1.062), note: null },
          { id: 'gross', label: 'Paid by final payers', figure: money('m6', total * 500, 1.062), note: null },
          { id: 'concentration', label: 'Concentration of revenue', figure: figure('m9', 'points', '2838', '2790'), note: null },
          { id: 'coverage', label: 'Events that count', figure: figure('m35', '%', '99.94'), note: null },
        ];
    return {
      as_of: {
        commit: this.commit,
        changes: 1,
        at: this.started ? this.at.toISOString() : null,
        computed_at: now.toISOString(),
      },
      window: {
        name: window,
        start: window === 'all' ? null : new Date(now.getTime() - windowHours[window] * 3_600_000).toISOString(),
        end: now.toISOString(),
      },
      view,
      tiles: [
        ...headline,
        { id: 'events_per_minute', label: 'Events a minute', figure: { metric: 'events_per_minute', unit: 'count', value: lively ? '782.4' : '0', previous: null }, note: lively ? '2 s behind' : 'none in the last 5 minutes' },
        { id: 'silent', label: 'Silent devices', figure: { metric: 'silent_devices', unit: 'count', value: lively ? '2' : '0', previous: null }, note: null },
      ],
      nodes,
      flows,
      gross: (Math.round(total * 500 / 10_000) / 100).toFixed(2),
      shares: lively ? sharesOf(flows, total * 500) : [],
      metrics: [
        figure('m1', 'EUR', write(total * 385)),
        figure('m6', 'EUR', write(total * 500)),
        figure('m9', 'points', '2838'),
        figure('m35', '%', '99.94'),
        figure('m47', '%', '100'),
        figure('m48', 's', '1.8'),
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
  const energyBy = new Map<string, number>();
  for (const flow of flows) {
    const term = terms.find((candidate) => candidate.exchange === flow.exchange) as Term;
    const wattHours = term.receiver > 0 ? scaled(flow.worth) / term.receiver : flow.unit === 'kWh' ? Math.round(Number(flow.quantity) * 1000) : flow.occurrences * wattHoursPerSession;
    add(capturedBy, flow.target, wattHours * term.receiver);
    add(capturedBy, flow.source, -wattHours * term.giver);
    if (term.medium === 'money') for (const id of [flow.source, flow.target]) energyBy.set(id, Math.max(energyBy.get(id) ?? 0, wattHours));
  }
  const total = sum([...capturedBy.values()]);
  return actors.map((actor) => ({
    id: actor.id,
    name: actor.name,
    roles: [actor.role],
    kind: actor.kind,
    contributed: write(Math.round((energyBy.get(actor.id) ?? 0) * (actor.role === 'cpo' ? 69.2 : 61.7))),
    captured: write(Math.round(capturedBy.get(actor.id) ?? 0)),
    share: total > 0
      ? { metric: 'm4', unit: 'ratio', value: ratio(capturedBy.get(actor.id) ?? 0, total) }
      : { metric: 'm4', unit: 'ratio', value: null, reason: 'no_flow' },
    devices: actor.devices,
    silent_devices: total > 0 ? actor.silent : 0,
  }));
}

function netCash(flows: MapFlow[]): Map<string, number> {
  const net = new Map<string, number>();
  for (const flow of flows.filter((candidate) => candidate.medium === 'money')) {
    add(net, flow.target, scaled(flow.worth));
    add(net, flow.source, -scaled(flow.worth));
  }
  return net;
}

function add(map: Map<string, number>, id: string, value: number): void {
  map.set(id, (map.get(id) ?? 0) + value);
}

function sharesOf(flows: MapFlow[], gross: number): Share[] {
  const positive = [...netCash(flows)].filter(([, value]) => value > 0).sort(([, a], [, b]) => b - a);
  // Largest remainder, as the service settles: whole cents that sum to the rounded gross.
  const cents = new Map(positive.map(([id, value]) => [id, Math.floor(value / 10_000)]));
  let missing = Math.round(gross / 10_000) - sum(cents.values());
  for (const [id] of [...positive].sort(([, a], [, b]) => (b % 10_000) - (a % 10_000))) {
    if (missing-- > 0) cents.set(id, (cents.get(id) ?? 0) + 1);
  }
  return positive.map(([id, value]) => {
    const actor = actors.find((candidate) => candidate.id === id) as Actor;
    return { participant: id, name: actor.name, roles: [actor.role], exact: write(value), settled: ((cents.get(id) ?? 0) / 100).toFixed(2), share: { metric: 'm7', unit: '%', value: ((100 * value) / gross).toFixed(4) } };
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
