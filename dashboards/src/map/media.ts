/** How each medium looks: hue (by CSS class), dash and glyph, so that no meaning hangs on colour alone. */

import type { Medium } from '../api/types';

export interface MediumStyle {
  label: string;
  glyph: string;
  /** SVG stroke-dasharray; empty for a solid line. */
  dash: string;
}

export const mediumStyles: Record<Medium, MediumStyle> = {
  money: { label: 'Money', glyph: '€', dash: '' },
  good: { label: 'Goods', glyph: '■', dash: '' },
  service: { label: 'Services', glyph: '▶', dash: '9 4' },
  data: { label: 'Data', glyph: '≡', dash: '2 4' },
  knowledge: { label: 'Knowledge', glyph: '◆', dash: '2 3 8 3' },
  benefit: { label: 'Benefits', glyph: '★', dash: '12 3 2 3' },
};

/** Money's glyph is the symbol of the ecosystem's currency in the reader's locale. */
export function glyphOf(medium: Medium, currency: string): string {
  if (medium !== 'money') return mediumStyles[medium].glyph;
  const parts = new Intl.NumberFormat(undefined, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).formatToParts(0);
  return parts.find((part) => part.type === 'currency')?.value ?? mediumStyles.money.glyph;
}

/** The widest line, in pixels, and the least that is still seen. */
export const widestLine = 8;
export const thinnestLine = 1.5;

/** Line width: proportional to what the flow is worth to its receiver, with a visible minimum. */
export function lineWidth(worth: number, largestWorth: number): number {
  if (largestWorth <= 0) return thinnestLine;
  return Math.max(thinnestLine, (Math.max(0, worth) / largestWorth) * widestLine);
}
