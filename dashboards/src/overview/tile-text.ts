/** The words around a tile's figure. */

import type { Tile } from '../api/types';
import type { Formatter } from '../format/formatter';
import { glyphOf } from '../map/media';

/** The tile's second line: what the API says of it or, where the figure alone could mean anything, its unit in words. */
export function noteOf(tile: Tile, formatter: Formatter): string | null {
  if (tile.note) return tile.note;
  if (tile.id !== 'capture_ratio') return null;
  const symbol = glyphOf('money', formatter.currency);
  return `${symbol} captured per ${symbol} contributed`;
}

/** What the figure counts, beside it; empty where the figure says it itself. */
export function suffixOf(tile: Tile, devices: number, formatter: Formatter): string {
  if (tile.figure.value === null) return '';
  if (tile.id === 'silent') return `of ${formatter.number('count', String(devices))}`;
  return tile.figure.unit === 'points' ? 'points' : '';
}

/** The tile's value in its unit, or "–" when it has none. */
export function tileText(tile: Tile, formatter: Formatter): string {
  const { value, unit } = tile.figure;
  if (value === null) return '–';
  if (unit === formatter.currency) return formatter.headlineMoney(value);
  if (unit === '%') return formatter.number('percentValue', value);
  if (unit === 'points') return formatter.number('count', value);
  if (tile.id === 'share') return formatter.number('percent', value);
  if (unit === 'ratio') return formatter.number('ratio', value);
  return formatter.number('rate', value);
}
