/** Where the user is: everything that a link must carry so that another person sees the same page. */

import type { Medium, WindowName, Zoom } from '../api/types';

export type PageName = 'overview' | 'metrics';

export interface Place {
  /** Ecosystem id, or null for the first that the session may see. */
  ecosystem: string | null;
  page: PageName;
  window: WindowName;
  /** Participant whose shoes the page stands in, or null for the whole. */
  view: string | null;
  /** Media hidden on the map, in the fixed order of `media`. */
  hidden: Medium[];
  /** True when the map is shown as its table. */
  table: boolean;
  /** What counts as a node on the page of metrics. */
  zoom: Zoom;
}

export const windows: readonly WindowName[] = ['24h', '7d', '30d', 'all'];
export const media: readonly Medium[] = ['money', 'good', 'service', 'data', 'knowledge', 'benefit'];

export const home: Place = {
  ecosystem: null,
  page: 'overview',
  window: '24h',
  view: null,
  hidden: [],
  table: false,
  zoom: 'participant',
};

/** Ids of ecosystems and participants; a vacant role's is `suspense:` and the role. */
const identifier = /^[a-z0-9:-]{1,64}$/;

/** Reads a query string; anything unknown or malformed falls back to `home`'s value. */
export function readPlace(search: string): Place {
  const parameters = new URLSearchParams(search);
  const window = parameters.get('window');
  const hidden = (parameters.get('hide') ?? '').split(',');
  return {
    ecosystem: identifierOrNull(parameters.get('ecosystem')),
    page: parameters.get('page') === 'metrics' ? 'metrics' : home.page,
    window: windows.find((name) => name === window) ?? home.window,
    view: identifierOrNull(parameters.get('view')),
    hidden: media.filter((medium) => hidden.includes(medium)),
    table: parameters.get('map') === 'table',
    zoom: parameters.get('zoom') === 'role' ? 'role' : home.zoom,
  };
}

/** The query string of a place, without the parts that are as in `home`: "" or "?window=7d&view=hub". */
export function writePlace(place: Place): string {
  const parameters = new URLSearchParams();
  if (place.ecosystem !== null) parameters.set('ecosystem', place.ecosystem);
  if (place.page !== home.page) parameters.set('page', place.page);
  if (place.window !== home.window) parameters.set('window', place.window);
  if (place.view !== null) parameters.set('view', place.view);
  if (place.hidden.length > 0) parameters.set('hide', media.filter((medium) => place.hidden.includes(medium)).join(','));
  if (place.table) parameters.set('map', 'table');
  if (place.zoom !== home.zoom) parameters.set('zoom', place.zoom);
  const query = parameters.toString().replaceAll('%2C', ',');
  return query === '' ? '' : `?${query}`;
}

function identifierOrNull(text: string | null): string | null {
  return text !== null && identifier.test(text) ? text : null;
}
