/** Numbers, money and times in the reader's locale. Decimal strings go to Intl as they are, so no digit is lost. */

import type { Figure } from '../api/types';
import { approximate } from './decimal';

type NumberOptions = Intl.NumberFormatOptions;

const kinds = {
  money: { style: 'currency' },
  wholeMoney: { style: 'currency', maximumFractionDigits: 0 },
  // Three digits, but never fewer than whole units: German has no short form of thousands, and 1190 for 1191 is wrong.
  compactMoney: {
    style: 'currency',
    notation: 'compact',
    minimumSignificantDigits: 3,
    maximumSignificantDigits: 3,
    maximumFractionDigits: 0,
    roundingPriority: 'morePrecision',
  },
  percent: { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 },
  wholePercent: { style: 'percent', maximumFractionDigits: 0 },
  percentValue: { style: 'unit', unit: 'percent', maximumFractionDigits: 2 },
  roundPercentValue: { style: 'unit', unit: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 },
  ratio: { minimumFractionDigits: 2, maximumFractionDigits: 2 },
  small: { maximumSignificantDigits: 2 },
  smallMoney: { style: 'currency', maximumSignificantDigits: 2 },
  smallPercentValue: { style: 'unit', unit: 'percent', maximumSignificantDigits: 2 },
  smallSeconds: { style: 'unit', unit: 'second', unitDisplay: 'narrow', maximumSignificantDigits: 2 },
  count: { maximumFractionDigits: 0 },
  rate: { maximumFractionDigits: 1 },
  quantity: { maximumFractionDigits: 3 },
  compactQuantity: { notation: 'compact', maximumSignificantDigits: 3, maximumFractionDigits: 0, roundingPriority: 'morePrecision' },
  seconds: { style: 'unit', unit: 'second', unitDisplay: 'narrow', maximumFractionDigits: 1 },
} satisfies Record<string, NumberOptions>;

export type NumberKind = keyof typeof kinds;

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

export class Formatter {
  private readonly numbers = new Map<NumberKind, Intl.NumberFormat>();
  private readonly clock: Intl.DateTimeFormat;
  private readonly moment: Intl.DateTimeFormat;
  private readonly relative: Intl.RelativeTimeFormat;
  /** The locale's word for "now". */
  private readonly present: string;

  /** `locale` undefined means the browser's own; `currency` is an ISO 4217 code. */
  constructor(
    readonly currency: string,
    private readonly locale?: string,
  ) {
    this.clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
    this.moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
    this.relative = new Intl.RelativeTimeFormat(locale, { numeric: 'always' });
    this.present = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(0, 'second');
  }

  /** Formats a decimal string. "percent" takes a ratio (0.25 → 25 %), "percentValue" a number already in percent. */
  number(kind: NumberKind, text: string): string {
    // The cast is for TypeScript 5.9, whose type of a decimal string does not take a variable.
    return this.intl(kind).format(text as Intl.StringNumericLiteral);
  }

  money(text: string): string {
    return this.number('money', text);
  }

  /** A headline amount: without minor units once they no longer matter. */
  headlineMoney(text: string): string {
    return this.number(Math.abs(approximate(text)) >= 1000 ? 'wholeMoney' : 'money', text);
  }

  /** An amount for narrow places, such as €14.2K. */
  compactMoney(text: string): string {
    return this.number(Math.abs(approximate(text)) >= 1000 ? 'compactMoney' : 'money', text);
  }

  /** A quantity with its unit; what is only counted is written as "12 ×". */
  quantity(text: string, unit: string): string {
    return `${this.number('quantity', text)}\u00a0${unitSign(unit)}`;
  }

  /** A quantity for narrow places, such as 14.2K kWh. */
  compactQuantity(text: string, unit: string): string {
    return `${this.number('compactQuantity', text)}\u00a0${unitSign(unit)}`;
  }

  /** A metric's value in its unit, or null when there is none. */
  figure(figure: Figure): string | null {
    if (figure.value === null) return null;
    if (figure.unit === 's' && approximate(figure.value) >= 120) return this.duration(Math.round(approximate(figure.value)));
    return this.number(kindOfUnit(figure.unit, this.currency), figure.value);
  }

  /** A part of a whole as a percentage with one decimal, whether its unit is "ratio" or "%"; null without a value. */
  part(figure: Figure): string | null {
    if (figure.value === null) return null;
    return figure.unit === '%' ? this.number('roundPercentValue', figure.value) : this.number('percent', figure.value);
  }

  time(iso: string): string {
    return this.clock.format(new Date(iso));
  }

  dateTime(iso: string): string {
    return this.moment.format(new Date(iso));
  }

  /** "3 hours ago" for a number of whole seconds before now. */
  ago(seconds: number): string {
    if (seconds < 1) return this.present;
    const [unit, length] = step(seconds);
    return this.relative.format(-Math.floor(seconds / length), unit);
  }

  /** "28 days" or "3 hours 20 minutes" for a number of whole seconds: small numbers need a second unit to be true. */
  duration(seconds: number): string {
    const [unit, length] = step(seconds);
    const whole = Math.floor(seconds / length);
    const parts = [this.unit(whole, unit)];
    const next = steps[steps.findIndex(([name]) => name === unit) + 1];
    if (next !== undefined && whole < 10) {
      const rest = Math.floor((seconds - whole * length) / next[1]);
      if (rest > 0) parts.push(this.unit(rest, next[0]));
    }
    return new Intl.ListFormat(this.locale, { type: 'unit', style: 'narrow' }).format(parts);
  }

  private unit(count: number, unit: string): string {
    return new Intl.NumberFormat(this.locale, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
  }

  private intl(kind: NumberKind): Intl.NumberFormat {
    let format = this.numbers.get(kind);
    if (format === undefined) {
      const options: NumberOptions = kinds[kind];
      format = new Intl.NumberFormat(
        this.locale,
        options.style === 'currency' ? { ...options, currency: this.currency } : options,
      );
      this.numbers.set(kind, format);
    }
    return format;
  }
}

function kindOfUnit(unit: string, currency: string): NumberKind {
  switch (unit) {
    case currency:
      return 'money';
    case '%':
      return 'percentValue';
    case 's':
      return 'seconds';
    case 'ratio':
      return 'ratio';
    default:
      return 'count';
  }
}

/** What is counted has no unit of its own. */
function unitSign(unit: string): string {
  return unit === 'count' ? '×' : unit;
}

function step(seconds: number): [Intl.RelativeTimeFormatUnit & string, number] {
  return steps.find(([, length]) => seconds >= length) ?? ['second', 1];
}
