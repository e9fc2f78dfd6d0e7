import { describe, expect, test } from 'vitest';

import type { Figure } from '../api/types';
import { changeOf } from './change';
import { compareDecimals, subtractDecimals, sumDecimals } from './decimal';
import { Formatter } from './formatter';

const english = new Formatter('EUR', 'en-IE');
const plain = (text: string | null): string => (text ?? '').replace(/[\u00a0\u202f]/g, ' ');
const figure = (value: string | null, previous: string | null, unit = 'EUR'): Figure => ({ metric: 'm1', value, previous, unit });

describe('decimal strings', () => {
  test('sum exactly where binary numbers would not', () => {
    expect(sumDecimals(['0.1', '0.2'])).toBe('0.3');
    expect(sumDecimals(['9007199254740993', '0.000001'])).toBe('9007199254740993.000001');
    expect(sumDecimals(['1.50', '-2.25'])).toBe('-0.75');
    expect(sumDecimals([])).toBe('0');
  });

  test('compare by value, whatever their number of decimals', () => {
    expect(compareDecimals('1.10', '1.1')).toBe(0);
    expect(compareDecimals('-3', '2')).toBe(-1);
    expect(compareDecimals('9007199254740993', '9007199254740992')).toBe(1);
  });

  test('subtract, also from and of negative ones', () => {
    expect(subtractDecimals('1.00', '0.25')).toBe('0.75');
    expect(subtractDecimals('1', '-2')).toBe('3');
  });

  test('refuse what is no decimal', () => {
    expect(() => sumDecimals(['1e3'])).toThrow(RangeError);
    expect(() => sumDecimals([''])).toThrow(RangeError);
  });
});

describe('the formatter', () => {
  test('shows every digit of an amount that a double cannot hold', () => {
    expect(plain(english.money('9007199254740993.27'))).toBe('€9,007,199,254,740,993.27');
  });

  test('follows the locale', () => {
    expect(plain(new Formatter('EUR', 'de').money('1234.5'))).toBe('1.234,50 €');
    expect(plain(new Formatter('EUR', 'fi').number('percent', '0.146'))).toBe('14,6 %');
  });

  test('leaves minor units out of large headlines and shortens map labels', () => {
    expect(english.headlineMoney('999.5')).toBe('€999.50');
    expect(english.headlineMoney('10015.4')).toBe('€10,015');
    expect(english.compactMoney('14240')).toBe('€14.2K');
    expect(english.compactMoney('62.07')).toBe('€62.07');
    expect(english.compactMoney('1191.4')).toBe('€1.19K');
    expect(plain(new Formatter('EUR', 'de').compactMoney('12137.4'))).toBe('12.137 €');
  });

  test('writes a figure in its unit and none for a missing value', () => {
    expect(english.figure(figure('3.85', null))).toBe('€3.85');
    expect(plain(english.figure(figure('99.94', null, '%')))).toBe('99.94%');
    expect(english.figure(figure('2838', null, 'points'))).toBe('2,838');
    expect(english.figure(figure('0.25', null, 'ratio'))).toBe('0.25');
    expect(english.figure(figure('1.84', null, 's'))).toBe('1.8s');
    expect(english.figure(figure('2475148', null, 's'))).toBe('28 days');
    expect(english.figure(figure(null, null))).toBeNull();
  });

  test('writes parts of a whole as percentages, whichever unit they come in', () => {
    expect(english.part(figure('0.27', null, 'ratio'))).toBe('27.0%');
    expect(english.part(figure('27.0004', null, '%'))).toBe('27.0%');
    expect(english.part(figure(null, null, '%'))).toBeNull();
  });

  test('says times as people do', () => {
    expect(english.ago(0)).toBe('now');
    expect(english.ago(59)).toBe('59 seconds ago');
    expect(english.ago(7_300)).toBe('2 hours ago');
    expect(english.duration(180)).toBe('3 minutes');
    expect(english.duration(7_140)).toBe('1 hour 59 minutes');
    expect(english.duration(12 * 3_600 + 1_800)).toBe('12 hours');
    expect(english.duration(90_000)).toBe('1 day 1 hour');
  });

  test('writes quantities with their unit, and counts with a sign', () => {
    expect(plain(english.quantity('35.7125', 'kWh'))).toBe('35.713 kWh');
    expect(plain(english.compactQuantity('35.72', 'kWh'))).toBe('35.7 kWh');
    expect(plain(english.compactQuantity('12', 'count'))).toBe('12 ×');
    expect(plain(english.compactQuantity('5434', 'kWh'))).toBe('5.43K kWh');
  });
});

describe('a change against the window before', () => {
  test('is relative for money, and more is good', () => {
    expect(changeOf('created', figure('106.2', '100'), english)).toEqual({ direction: 'up', text: '6.2%', tone: 'good' });
    expect(changeOf('captured', figure('90', '100'), english)).toEqual({ direction: 'down', text: '10.0%', tone: 'bad' });
    expect(changeOf('gross', figure('2128.8', '100'), english)?.text).toBe('2,029%');
  });

  test('is in points for shares', () => {
    expect(changeOf('share', figure('0.146', '0.150', 'ratio'), english)?.text).toBe('0.4 pt');
  });

  test('is a number of devices, and fewer is good, for silent ones', () => {
    expect(changeOf('silent', figure('1', '3', 'count'), english)).toEqual({ direction: 'down', text: '2', tone: 'good' });
  });

  test('that rounds to zero is no change, never a fall', () => {
    const none = { direction: 'same', text: 'no change', tone: 'neutral' };
    expect(changeOf('created', figure('5.0', '5.00'), english)).toEqual(none);
    expect(changeOf('created', figure('99.96', '100'), english)).toEqual(none);
    expect(changeOf('share', figure('0.1400', '0.1403', 'ratio'), english)).toEqual(none);
    expect(changeOf('coverage', figure('99.97', '100', '%'), english)).toEqual(none);
  });

  test('has no tone when the tile has no wish', () => {
    expect(changeOf('events_per_minute', figure('5', '4', 'count'), english)?.tone).toBe('neutral');
  });

  test('is absent without something to compare with, or with a zero to divide by', () => {
    expect(changeOf('created', figure('5', null), english)).toBeNull();
    expect(changeOf('created', figure(null, '5'), english)).toBeNull();
    expect(changeOf('created', figure('5', '0'), english)).toBeNull();
  });
});
