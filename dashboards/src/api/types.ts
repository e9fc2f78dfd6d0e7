/** Short names for the API's shapes; `openapi.d.ts` is generated from the API and never edited. */

import type { components } from './openapi';

type Schemas = components['schemas'];

export type Overview = Schemas['Overview'];
export type EcosystemInfo = Schemas['EcosystemInfo'];
export type DesignRef = Schemas['DesignRef'];
export type Participant = Schemas['Participant'];
export type Figure = Schemas['Figure'];
export type Tile = Schemas['Tile'];
export type MapNode = Schemas['MapNode'];
export type MapFlow = Schemas['MapFlow'];
export type Medium = Schemas['Medium'];
export type Share = Schemas['Share'];
export type SilentDevice = Schemas['SilentDevice'];
export type MetricInfo = Schemas['MetricInfo'];
export type MetricReading = Schemas['MetricReading'];
export type MetricsAnswer = Schemas['MetricsAnswer'];
export type AnalysesAnswer = Schemas['AnalysesAnswer'];
export type Level = Schemas['Level'];
export type Basis = Schemas['Basis'];
export type Zoom = Schemas['Zoom'];
export type Unrated = Schemas['Unrated'];
export type Estimate = Schemas['Estimate'];
export type Candidate = Schemas['Candidate'];
export type NotMeasured = Schemas['NotMeasured'];
export type WindowName = Schemas['WindowName'];
export type Session = Schemas['Session'];
