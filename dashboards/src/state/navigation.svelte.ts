/** The current place, kept equal to the address bar in both directions. */

import { readPlace, writePlace, type Place } from './place';

export class Navigation {
  place: Place = $state.raw(readPlace(location.search));

  constructor() {
    addEventListener('popstate', () => {
      this.place = readPlace(location.search);
    });
  }

  /** Goes to a place that differs from the current one by `change`; the back button returns. */
  go(change: Partial<Place>): void {
    history.pushState(null, '', this.href(change));
    this.place = { ...this.place, ...change };
  }

  /** The address of a place that differs from the current one by `change`. */
  href(change: Partial<Place>): string {
    return location.pathname + writePlace({ ...this.place, ...change });
  }
}
