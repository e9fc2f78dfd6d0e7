/** Light, dark, or as the system says; remembered per browser. */

export type Theme = 'auto' | 'light' | 'dark';

export const themes: readonly Theme[] = ['auto', 'light', 'dark'];

const key = 'thalweg.theme';

export class ThemeChoice {
  current: Theme = $state(remembered());

  constructor() {
    this.apply();
  }

  /** The next choice in the order auto, light, dark. */
  advance(): void {
    this.current = themes[(themes.indexOf(this.current) + 1) % themes.length] ?? 'auto';
    this.apply();
    try {
      localStorage.setItem(key, this.current);
    } catch {
      // Storage may be forbidden by the browser's settings; the choice then lasts as long as the page.
    }
  }

  private apply(): void {
    document.documentElement.dataset['theme'] = this.current;
  }
}

function remembered(): Theme {
  try {
    const stored = localStorage.getItem(key);
    return themes.find((theme) => theme === stored) ?? 'auto';
  } catch {
    return 'auto';
  }
}
