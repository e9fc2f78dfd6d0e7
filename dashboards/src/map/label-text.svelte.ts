/** What a lane's label says, in forms from long to short, and how wide that is. */

import type { MapFlow } from '../api/types';
import type { Formatter } from '../format/formatter';
import { amountOf } from './describe';
import { glyphOf } from './media';

export interface LabelForm {
  text: string;
  amount: string;
}

/** Becomes true when the page's font is there: widths must be measured again. */
export const labelFonts = $state({ ready: false });

const font = "'Inter Variable', system-ui, sans-serif";
const longestName = 26;
/** Widths go up in steps, so that a changed digit does not move labels. */
const widthStep = 6;
const paddingPixels = 8;

void document.fonts.load(`500 11.5px ${font}`).then(() => (labelFonts.ready = true));

export function labelForms(flow: MapFlow, formatter: Formatter, named: boolean): LabelForm[] {
  const glyph = glyphOf(flow.medium, formatter.currency);
  const amount = amountOf(flow, formatter);
  const short = { text: flow.medium === 'money' && amount !== '' ? '' : glyph, amount };
  if (!named) return [short];
  const cut = (length: number): string => (flow.name.length > length ? `${flow.name.slice(0, length - 1).trimEnd()}…` : flow.name);
  return [{ text: `${glyph} ${cut(longestName)}`, amount }, { text: `${glyph} ${cut(12)}`, amount }, short];
}

/** Widths in pixels. `measured` only says that the font may have changed since the last call. */
export function widthsOf(forms: readonly LabelForm[], measured: boolean): number[] {
  void measured;
  return forms.map(({ text, amount }) => {
    const width = textWidth(text, 500) + textWidth(amount, 700) + (text !== '' && amount !== '' ? 4 : 0) + paddingPixels;
    return Math.ceil(width / widthStep) * widthStep;
  });
}

let context: CanvasRenderingContext2D | null = null;

function textWidth(text: string, weight: number): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (context === null) return text.length * 7;
  context.font = `${weight} 11.5px ${font}`;
  return context.measureText(text).width;
}
