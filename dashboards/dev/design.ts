/** Who takes part in the example ecosystem and what they exchange; valuations are those of the roaming example. */

import type { Medium } from '../src/api/types.ts';

export interface Actor {
  id: string;
  name: string;
  role: string;
  kind: string;
  devices: number;
  silent: number;
}

/** An exchange between roles: worth to giver and receiver in 10⁻⁶ of the currency for each watt-hour. */
export interface Term {
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

export const actors: Actor[] = [
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

export const terms: Term[] = [
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
